"""Marks in a text: taken out, what stood between an opening and its closing one becoming a piece."""

from collections.abc import Sequence
from typing import NamedTuple


class Mark(NamedTuple):
    """A mark.

    :param start, end: characters of the marked text.
    :param name: a closing one has the name of its opening one.
    """

    start: int
    end: int
    closing: bool
    name: str


class MarkFault(Exception):
    """Marks that do not open and close in turn.

    :param mark: where it shows; the open one, where the text ended too soon.
    :param opened: what was open then.
    """

    def __init__(self, mark: Mark, opened: Mark | None) -> None:
        super().__init__(mark, opened)
        self.mark = mark
        self.opened = opened


Piece = tuple[str, int, int]
"""Name, and half-open characters of the text without marks."""


def take_out(text: str, marks: Sequence[Mark]) -> tuple[str, list[Piece]]:
    """Return the text without its marks, and the pieces they held.

    :param marks: in their order; none may be inside another pair.
    :raises MarkFault: one is nested, is never closed, or closes another.
    """
    plain = ""
    before = 0
    opened: Mark | None = None
    start = 0
    pieces: list[Piece] = []
    for mark in marks:
        plain += text[before : mark.start]
        before = mark.end
        if mark.closing:
            if opened is None or opened.name != mark.name:
                raise MarkFault(mark, opened)
            pieces.append((opened.name, start, len(plain)))
            opened = None
        elif opened is not None:
            raise MarkFault(mark, opened)
        else:
            opened, start = mark, len(plain)
    if opened is not None:
        raise MarkFault(opened, opened)
    return plain + text[before:], pieces
