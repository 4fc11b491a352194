"""Markers: entities marked before translation and read back after it (EasyProject, Chen et al. 2023).

``brackets`` puts square brackets around each entity, which most engines keep; which bracket is which entity is found by
the likeness to the entity's own translation (section 3 there) and by order. ``tags`` names each entity by a letter,
``<a>…</a>``, for chat models. What comes back broken (a mark lost, doubled, empty or crossed) is counted by the
caller, and the aligner takes over.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher

import regex

from harness.values.records import Sentence, Span

_BRACKETS = regex.compile(r"[\[\]]")
_TAGS = regex.compile(r"<\s*(/?)\s*([a-z]{1,2})\s*>", regex.IGNORECASE)

_LETTER = regex.compile(r"[\p{L}\p{N}]")

ORDER_WEIGHT = 0.1
"""Worth of keeping the order of entities, beside the likeness of their texts (0..1)."""


def _name(number: int) -> str:
    """Return a, b, … z, aa, ab, … for entity 0, 1, …"""
    letter = chr(ord("a") + number % 26)
    return letter if number < 26 else chr(ord("a") + number // 26 - 1) + letter


def mark(sentence: Sentence, style: str) -> str | None:
    """Return the text with its entities marked, or ``None`` where marks of this style stand in the text itself.

    :param style: brackets or tags.
    """
    pattern = regex.compile(r"[\[\]]") if style == "brackets" else _TAGS
    if pattern.search(sentence.text) or not sentence.spans or len(sentence.spans) > 26 * 26:
        return None
    pieces = []
    before = 0
    for number, span in enumerate(sentence.spans):
        opened, closed = ("[", "]") if style == "brackets" else (f"<{_name(number)}>", f"</{_name(number)}>")
        pieces += [sentence.text[before : span.start], opened, sentence.surface(span), closed]
        before = span.end
    return "".join(pieces) + sentence.text[before:]


def read_marks(
    marked: str, source: Sentence, style: str, surfaces: Sequence[str] = ()
) -> tuple[str, tuple[Span, ...]] | None:
    """Return the plain translation and its spans, or ``None`` where marks came back broken.

    :param marked: the translation of :func:`mark`'s text.
    :param surfaces: translations of the entities on their own, in order (brackets).
    """
    marks = _bracketed(marked) if style == "brackets" else _tagged(marked)
    if marks is None:
        return None
    text, pieces = marks
    if len(pieces) != len(source.spans) or any(start >= end for _, start, end in pieces):
        return None
    if style == "tags":
        names = [_name(number) for number in range(len(source.spans))]
        if sorted(name for name, _, _ in pieces) != sorted(names):
            return None
        order = [names.index(name) for name, _, _ in pieces]
    else:
        order = _matched([text[start:end] for _, start, end in pieces], surfaces or [""] * len(pieces))
    spans = [
        Span(start, end, source.spans[number].label) for number, (_, start, end) in zip(order, pieces, strict=True)
    ]
    return text, tuple(sorted(spans))


Mark = tuple[int, int, bool, str]
"""Start, end, whether it closes, and the entity's name (empty for brackets)."""


def _bracketed(marked: str) -> tuple[str, list[tuple[str, int, int]]] | None:
    return _read(marked, [(m.start(), m.end(), m[0] == "]", "") for m in _BRACKETS.finditer(marked)])


def _tagged(marked: str) -> tuple[str, list[tuple[str, int, int]]] | None:
    return _read(marked, [(m.start(), m.end(), bool(m[1]), m[2].lower()) for m in _TAGS.finditer(marked)])


def _read(marked: str, marks: Sequence[Mark]) -> tuple[str, list[tuple[str, int, int]]] | None:
    """Take the marks out, with the blanks inside their edges; marks must open and close in turn."""
    text = ""
    before = 0
    opened: tuple[str, int] | None = None
    pieces = []
    for start, end, closing, name in marks:
        between = marked[before:start]
        if closing:
            if opened is None or opened[0] != name:
                return None
            text += between.strip()
            pieces.append((name, opened[1], len(text)))
            opened = None
            if between[-1:].isspace() and _LETTER.match(marked[end : end + 1]):
                text += " "  # the blank stood inside the mark
        else:
            if opened is not None:
                return None
            text += between if text else between.lstrip()
            if marked[end : end + 1].isspace() and _LETTER.match(text[-1:]):
                text += " "
            opened = (name, len(text))
        before = end
    if opened is not None:
        return None
    text += marked[before:].rstrip()
    return text, pieces


def _matched(pieces: Sequence[str], surfaces: Sequence[str]) -> list[int]:
    """Return for each marked piece the entity it most likely is, each entity once."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    worth = np.zeros((len(pieces), len(surfaces)))
    for row, piece in enumerate(pieces):
        for column, surface in enumerate(surfaces):
            likeness = SequenceMatcher(None, piece.casefold(), surface.casefold()).ratio()
            worth[row, column] = likeness + ORDER_WEIGHT * (row == column)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [int(columns[place]) for place in np.argsort(rows)]
