"""Errors a user can mend: one sentence each, with the exit code the command line returns.

Message = key or file and line, what was found, what is allowed, what to do next. Anything else that
is raised is a defect of ours (or of a library) and ends with exit code 1.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class HarnessError(Exception):
    """Something went wrong that one sentence explains. Exit code 1: the run failed."""

    exit_code = 1


class UsageError(HarnessError):
    """The command was used wrongly (a missing file, an unknown run). Exit code 2."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration key, value or combination is not allowed. Exit code 2."""


class DataError(UsageError):
    """A corpus file or card is missing, malformed or does not fit. Exit code 2."""


class DependencyError(UsageError):
    """An optional package is missing; the message holds the command that installs it. Exit code 2."""


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest allowed word, or an empty string."""
    close = get_close_matches(word, [str(candidate) for candidate in allowed], n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def listing(words: Iterable[object], *, most: int = 12) -> str:
    """Join words for a message, naming at most ``most`` and counting the rest."""
    items = [str(word) for word in words]
    shown = ", ".join(items[:most])
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown
