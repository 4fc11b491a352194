"""Readers: one function per file format, all with the same result.

A reader takes a path and a language and returns a :class:`~harness.corpora.readers.text.Reading`:
the sentences, and an account of whatever was dropped, cut, repaired or merged on the way. A malformed
line is a :class:`harness.values.errors.DataError` with file and line; nothing is skipped without a count.
"""

from harness.corpora.readers.brat import read_brat
from harness.corpora.readers.conll import read_conll
from harness.corpora.readers.inline import read_inline
from harness.corpora.readers.jsonl import read_doccano, read_jsonl, read_jsonl_texts
from harness.corpora.readers.lines import read_lines
from harness.corpora.readers.text import Reader, Reading
from harness.values.errors import DataError, listing, nearest

READERS: dict[str, Reader] = {
    "conll": read_conll,
    "jsonl": read_jsonl,
    "doccano": read_doccano,
    "prodigy": read_jsonl,
    "label_studio": read_jsonl,
    "inline": read_inline,
    "brat": read_brat,
    "lines": read_lines,
}

TEXT_READERS: dict[str, Reader] = dict.fromkeys(("jsonl", "doccano", "prodigy", "label_studio"), read_jsonl_texts)
"""Readers of texts to tag or to translate, where the format may carry annotations and need not."""

__all__ = ["READERS", "TEXT_READERS", "Reading", "reader_for"]


def reader_for(format_name: str) -> Reader:
    """Return the reader of a format.

    :raises DataError: the format is unknown.
    """
    try:
        return READERS[format_name]
    except KeyError:
        raise DataError(
            f"format {format_name!r} is unknown; allowed: {listing(sorted(READERS))}{nearest(format_name, READERS)}"
        ) from None
