"""Errors a user can mend: one sentence each, with the exit code the command line returns.

Message = key or file and line, what was found, what is allowed, what to do next. Anything else that
is raised is a defect of ours (or of a library) and ends with exit code 1.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

LONGEST_MESSAGE = 900
"""Characters of a message: about ten lines of a terminal. A line of a file may have megabytes."""


class HarnessError(Exception):
    """Something went wrong that one sentence explains. Exit code 1: the run failed.

    A message longer than :data:`LONGEST_MESSAGE` loses its middle: the place stands at its beginning, the advice at its
    end.
    """

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(shortened(message, LONGEST_MESSAGE))


class UsageError(HarnessError):
    """The command was used wrongly (a missing file, an unknown run). Exit code 2."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration key, value or combination is not allowed. Exit code 2."""


class DataError(UsageError):
    """A corpus file or card is missing, malformed or does not fit. Exit code 2."""


class FileError(DataError):
    """A file is missing, not allowed, or in another encoding or format: the message holds nothing of its content.

    Reports about restricted corpora may repeat these messages; all others they withhold.
    """


class DiskError(HarnessError):
    """A disk is full or read-only."""


class DependencyError(UsageError):
    """An optional package is missing; the message holds the command that installs it. Exit code 2."""


@contextmanager
def text_withheld(name: str, *, restricted: bool) -> Iterator[None]:
    """Keep the text of a restricted corpus out of what libraries and defects of ours say; our own sentences hold none.

    :param name: the corpus.
    """
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        if not restricted:
            raise
        raise HarnessError(
            f"{type(error).__name__}: its message is withheld, because {name} is restricted (--debug shows the "
            "traceback)"
        ) from error


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's message, or its kind where the message is empty (a MemoryError's)."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest allowed word, or an empty string."""
    close = get_close_matches(word, [str(candidate) for candidate in allowed], n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def shortened(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters, its middle replaced by the number of characters left out.

    What no terminal or database can hold (lone surrogates) is replaced too.
    """
    if len(text) > most:
        head, tail = most * 2 // 3, most // 3 - 40
        text = f"{text[:head]} … ({len(text) - head - tail} characters left out) … {text[-tail:]}"
    return text.encode("utf-8", "replace").decode("utf-8")


def printable(text: str) -> str:
    """Return a text as a terminal may show it: control characters but line breaks and tabs as ``\\u001b``."""
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def shown(value: object, most: int = 80) -> str:
    """Return a value as it stands in a message: quoted, control characters escaped, the middle of a long one left
    out.
    """
    if isinstance(value, str) and len(value) > most:
        return f"{value[: most - 20]!r}… ({len(value)} characters)"
    text = repr(value)
    return text if len(text) <= 2 * most else f"{text[: 2 * most - 20]}… ({len(text)} characters)"


def listing(words: Iterable[object], *, most: int = 12) -> str:
    """Join words for a message, naming at most ``most`` and counting the rest."""
    items = [str(word) for word in words]
    shown = ", ".join(items[:most])
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown
