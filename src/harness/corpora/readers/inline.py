"""Inline tags: ``Take <DOSAGE>1</DOSAGE> <FORM>tablet</FORM>.``, one sentence a line, no nesting.

A tag is an angle bracket around capital letters, digits, ``_`` or ``-``; any other ``<`` is text (``< 5 mg``).
"""

import re
from collections import Counter
from pathlib import Path

from harness.corpora.readers.reading import Reading, clean_spans, text_lines
from harness.errors import DataError
from harness.records import Sentence, Span

_TAG = re.compile(r"<(/?)([A-Z][A-Z0-9_-]*)>")


def parse_inline(line: str, where: str) -> tuple[str, list[Span]]:
    """Split a tagged line into its text and its spans.

    :raises DataError: a tag is nested, unclosed, or closed under another name.
    """
    text = ""
    spans: list[Span] = []
    open_label, open_start, position = "", 0, 0
    for match in _TAG.finditer(line):
        text += line[position : match.start()]
        position = match.end()
        closing, label = bool(match[1]), match[2]
        if closing and label != open_label:
            raise DataError(f"{where}: found </{label}> where {f'</{open_label}>' if open_label else 'no tag'} is open")
        if closing:
            spans.append(Span(open_start, len(text), label))
            open_label = ""
        elif open_label:
            raise DataError(f"{where}: <{label}> inside <{open_label}>; nested entities are not supported")
        else:
            open_label, open_start = label, len(text)
    if open_label:
        raise DataError(f"{where}: <{open_label}> is never closed")
    return text + line[position:], spans


def read_inline(path: Path, language: str) -> Reading:
    """Read inline-tagged lines; blank lines are passed over and counted."""
    account: Counter[str] = Counter()
    sentences = []
    for number, line in enumerate(text_lines(path), 1):
        if not line.strip():
            account["blank_lines"] += 1
            continue
        where = f"{path}:{number}"
        text, spans = parse_inline(line, where)
        sentences.append(Sentence(str(number), text, language, clean_spans(text, spans, account, where)))
    return Reading(tuple(sentences), +account)
