"""``harness doctor``: what is installed, reachable, missing, and the command that mends it."""

import json
from typing import Annotated

import typer

from harness.cli.console import echo
from harness.machine.process import quiet_libraries


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check this machine: packages, processor, disk, tracking store, hub, extras."""
    quiet_libraries()
    from harness.values.errors import HarnessError
    from harness.workflows.doctor import examine

    findings = examine()
    if as_json:
        echo(json.dumps([finding._asdict() for finding in findings], indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            mend = f"\n        → {finding.mend}" if finding.mend else ""
            echo(f"{finding.state:8}{finding.what}: {finding.found}{mend}")
    broken = [finding.what for finding in findings if finding.state == "broken"]
    if broken:
        raise HarnessError(f"needs mending: {', '.join(broken)}")
