"""Commands in this process: no imports are paid again, and a fault is a traceback."""

from collections.abc import Callable

import pytest
from click.testing import Result
from typer.testing import CliRunner

from harness import cli

cli._register()


@pytest.fixture
def harness() -> Callable[..., Result]:
    """Run a command and return exit code and output; errors of ours are raised."""

    def run(*arguments: object, stdin: str | None = None) -> Result:
        return CliRunner().invoke(cli.app, [str(part) for part in arguments], input=stdin, catch_exceptions=False)

    return run
