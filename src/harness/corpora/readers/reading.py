"""What every reader shares: the result with its account, decoding, line ends, span cleaning."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import DataError
from harness.records import Sentence, Span, span_fault


@dataclass(frozen=True)
class Reading:
    """What a reader found.

    :param account: counts by reason of what was dropped, cut, repaired or merged; empty for a clean file.
    """

    sentences: tuple[Sentence, ...]
    account: Counter[str] = field(default_factory=Counter)


Reader = Callable[[Path, str], Reading]
"""``reader(path, language)``."""


def read_text(path: Path) -> str:
    """Read a UTF-8 file, with or without a byte-order mark, any line ends kept.

    :raises DataError: no such file, a folder, or not UTF-8.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"no such file: {path}") from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder; a file is expected here") from error
    except PermissionError as error:
        raise DataError(f"{path} may not be read: permission denied") from error
    return decode(data, str(path))


def decode(data: bytes, name: str) -> str:
    """Decode UTF-8, with or without a byte-order mark.

    :raises DataError: it is not UTF-8; the message names the line.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{name}:{line}: not UTF-8 (byte 0x{data[error.start]:02x}); convert the file, "
            "for example with 'iconv -f latin1 -t utf-8'"
        ) from error


def text_lines(path: Path) -> list[str]:
    """Return the lines of a text file without their ends.

    Only ``\\n``, ``\\r\\n`` and ``\\r`` end a line: ``str.splitlines`` would also cut at U+2028 or U+0085,
    which stand inside sentences of web text.
    """
    return split_lines(read_text(path))


def split_lines(text: str) -> list[str]:
    """Cut a text into lines; see :func:`text_lines`."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines


_SURROGATES = re.compile("[\ud800-\udfff]")


def clean_text(text: str, account: Counter[str]) -> str:
    """Replace lone surrogates (broken ``\\u`` escapes in JSON, no characters at all) by U+FFFD; offsets stay."""
    cleaned, count = _SURROGATES.subn("\ufffd", text)
    if count:
        account["lone_surrogates_replaced"] += count
    return cleaned


def clean_spans(text: str, spans: Iterable[Span], account: Counter[str], where: str) -> tuple[Span, ...]:
    """Trim blanks off span edges and drop duplicates, counting both; refuse what cannot be mended.

    :raises DataError: a span is empty, outside the text, or overlaps another.
    """
    kept: list[Span] = []
    for span in sorted(set(spans)):
        if not 0 <= span.start < span.end <= len(text):
            raise DataError(f"{where}: span {tuple(span)} {span_fault(text, span, None)}")
        covered = text[span.start : span.end]
        start = span.start + len(covered) - len(covered.lstrip())
        end = span.end - (len(covered) - len(covered.rstrip()))
        if start >= end:
            account["spans_of_blanks_dropped"] += 1
            continue
        if (start, end) != (span.start, span.end):
            account["spans_trimmed"] += 1
        trimmed = Span(start, end, span.label)
        fault = span_fault(text, trimmed, kept[-1] if kept else None)
        if fault:
            raise DataError(
                f"{where}: span {tuple(trimmed)} {fault}; nested and overlapping entities are not supported"
            )
        kept.append(trimmed)
    return tuple(kept)
