"""Printing on the terminal."""

from pathlib import Path

import typer

from harness.values.errors import printable


def echo(text: str, *, err: bool = False, data: bool = False) -> None:
    """Print text that may hold names from anywhere: no escape sequence of theirs, and no password, gets out.

    :param data: the user's own texts, in which what looks like a password is none of ours and must stay.
    """
    from harness.machine.provenance import mask_url

    typer.echo(printable(text if data else mask_url(text)), err=err)


def existing_folder(path: Path | None) -> Path | None:
    """Return a folder given on the command line as an absolute path."""
    return path.expanduser().absolute() if path else None
