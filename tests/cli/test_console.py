from pathlib import Path

import pytest

from harness.cli.console import echo, existing_folder


def test_what_is_printed_holds_no_escape_sequence_and_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    echo("a \x1b[31mred\x1b[0m postgresql://me:secret@host/db")
    text = capsys.readouterr().out
    assert "\x1b" not in text and "secret" not in text
    echo("postgresql://me:secret@host/db", data=True)
    assert "secret" in capsys.readouterr().out, "a user's own text stays"


def test_folders_become_absolute() -> None:
    assert existing_folder(None) is None
    assert existing_folder(Path("x")) == Path.cwd() / "x"
