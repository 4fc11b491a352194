"""What every reader shares: the result with its account, decoding, line ends, span cleaning, JSON values."""

import codecs
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.machine.files import decode_utf8
from harness.values.account import Account
from harness.values.errors import DataError, FileError
from harness.values.labels import OUTSIDE
from harness.values.records import Sentence, Span, span_fault


@dataclass(frozen=True)
class Reading:
    """What a reader found.

    :param account: counts by reason of what was dropped, cut, repaired or merged; empty for a clean file.
    """

    sentences: tuple[Sentence, ...]
    account: Account = field(default_factory=Account)


Reader = Callable[[Path, str], Reading]
"""``reader(path, language)``."""


def read_text(path: Path, account: Account | None = None) -> str:
    """Read a text file, any line ends kept; see :func:`decode`.

    :raises FileError: no such file, a folder, not allowed, or of an encoding that cannot be told.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise FileError(f"no such file: {path}") from error
    except IsADirectoryError as error:
        raise FileError(f"{path} is a folder; a file is expected here") from error
    except PermissionError as error:
        raise FileError(f"{path} may not be read: permission denied") from error
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    return decode(data, str(path), account)


def decode(data: bytes, name: str, account: Account | None = None) -> str:
    """Decode UTF-8, with or without a byte-order mark, or UTF-16 with one, as Windows programs write it.

    :param account: counts a file in UTF-16 as ``utf16_files_decoded``.
    :raises FileError: it is neither; the message names the line.
    """
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise FileError(f"{name}: is UTF-32; convert the file with 'iconv -f utf-32 -t utf-8'")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise FileError(
                f"{name}: begins like UTF-16 and is damaged at byte {error.start}; save the file anew as UTF-8"
            ) from error
        if account is not None:
            account["utf16_files_decoded"] += 1
        return text
    text = decode_utf8(data, name, FileError)
    if data[1::2].count(0) > len(data) // 4 or data[::2].count(0) > len(data) // 4:
        raise FileError(
            f"{name}: every other byte is NUL, so this is UTF-16 without a byte-order mark; convert the file with "
            "'iconv -f utf-16le -t utf-8' (or utf-16be)"
        )
    return text


def text_lines(path: Path, account: Account | None = None) -> list[str]:
    """Return the lines of a text file without their ends.

    Only ``\\n``, ``\\r\\n`` and ``\\r`` end a line: ``str.splitlines`` would also cut at U+2028 or U+0085,
    which stand inside sentences of web text.
    """
    return split_lines(read_text(path, account))


def split_lines(text: str) -> list[str]:
    """Cut a text into lines; see :func:`text_lines`."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines


_SURROGATES = re.compile("[\ud800-\udfff]")


def clean_text(text: str, account: Account) -> str:
    """Replace lone surrogates (broken ``\\u`` escapes in JSON, no characters at all) by U+FFFD; offsets stay."""
    cleaned, count = _SURROGATES.subn("\ufffd", text)
    if count:
        account["lone_surrogates_replaced"] += count
    return cleaned


def parse_json(text: str, where: str) -> Any:
    """Return the value of a JSON text.

    :raises DataError: it is not JSON, is nested too deeply, or holds a number of thousands of digits.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column" if error.lineno > 1 else "column"
        raise DataError(f"{where}: not JSON ({error.msg} at {place} {error.colno})") from error
    except RecursionError as error:
        raise DataError(f"{where}: brackets are nested too deeply for an annotation") from error
    except ValueError as error:  # a whole number of more than 4,300 digits
        raise DataError(f"{where}: holds a number with too many digits to be an offset") from error


def clean_name(value: object, account: Account) -> str:
    """Return an id or a label as text that a file can hold; a number of any size is written out."""
    if isinstance(value, str):
        return clean_text(value, account)
    try:
        return clean_text(str(value), account)
    except ValueError:  # more than 4,300 digits
        return "number of thousands of digits"


def clean_spans(
    text: str, spans: Iterable[Span], account: Account, where: str, *, overlapping: bool = False
) -> tuple[Span, ...]:
    """Trim blanks off span edges and drop duplicates, counting both; refuse what cannot be repaired.

    :param overlapping: spans may overlap, as in somebody's predictions.
    :raises DataError: a span is empty, outside the text, or overlaps another.
    """
    kept: list[Span] = []
    listed = list(spans)
    if len(set(listed)) < len(listed):
        account["repeated_spans_dropped"] += len(listed) - len(set(listed))
    for span in sorted(set(listed)):
        if span.label == OUTSIDE:  # some tools write what was taken back as an entity O
            account["spans_of_no_entity_dropped"] += 1
            continue
        if not span.label.strip():
            raise DataError(f"{where}: span {tuple(span[:2])} has no label")
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
        fault = span_fault(text, trimmed, kept[-1] if kept and not overlapping else None)
        if fault:
            raise DataError(
                f"{where}: span {tuple(trimmed)} {fault}; nested and overlapping entities are not supported"
            )
        kept.append(trimmed)
    return tuple(kept)
