"""Offsets that count something other than characters: found out, and turned into characters.

Annotation tools count in the text as they hold it: JavaScript counts UTF-16 units (two for an emoji), Windows
programs two characters for a line end that a reader sees as one, others a byte-order mark or bytes. A rule is taken
only where it explains every annotation of a file and the plain reading does not; anything else is an error.
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.values.languages import is_unspaced

Pair = tuple[int, int]
"""Half-open offsets as they stand in a file."""


@dataclass(frozen=True)
class Rule:
    """A way to count positions of a text.

    :param name: what is counted in an account: ``offsets_shifted/NAME``.
    :param unit: ``characters``, ``utf16`` units or ``bytes`` of UTF-8.
    :param newline: ``kept``; ``crlf_as_one``: CR LF counts once; ``lf_as_two``: LF counts as CR LF.
    :param mark: a byte-order mark before the text is counted.
    """

    name: str
    unit: str = "characters"
    newline: str = "kept"
    mark: bool = False

    def applies(self, text: str) -> bool:
        """Return True where this rule can differ from counting characters."""
        if self.newline == "crlf_as_one" and "\r\n" not in text:
            return False
        if self.newline == "lf_as_two" and ("\n" not in text or "\r\n" in text):
            return False
        return self.unit == "characters" or not text.isascii()

    def positions(self, text: str) -> dict[int, int]:
        """Return position in this rule → character offset, for the start of every character and the end of the text."""
        width: Callable[[str], int] = {
            "characters": lambda char: 1,
            "utf16": lambda char: 2 if char > "\uffff" else 1,
            "bytes": lambda char: len(char.encode("utf-8", "surrogatepass")),
        }[self.unit]
        characters: dict[int, int] = {}
        place = width("\ufeff") if self.mark else 0
        for index, char in enumerate(text):
            characters.setdefault(place, index)
            if self.newline == "crlf_as_one" and char == "\r" and text[index + 1 : index + 2] == "\n":
                continue
            place += width(char) + (self.newline == "lf_as_two" and char == "\n")
        characters[place] = len(text)
        return characters


def _rules() -> tuple[Rule, ...]:
    rules = []
    for mark in (False, True):
        for newline in ("kept", "crlf_as_one", "lf_as_two"):
            for unit in ("characters", "utf16", "bytes"):
                parts = [unit] if unit != "characters" else []
                parts += [newline] if newline != "kept" else []
                parts += ["byte_order_mark"] if mark else []
                if parts:
                    rules.append(Rule("_and_".join(parts), unit, newline, mark))
    return tuple(sorted(rules, key=lambda rule: rule.name.count("_and_")))


RULES = _rules()
"""All combinations, the simplest first."""

UTF16 = Rule("utf16", "utf16")


def surface_matches(text: str, start: int, end: int, surface: str) -> bool:
    """Return True where a text holds a surface at some offsets, blanks, line breaks and Unicode form apart."""
    return 0 <= start < end <= len(text) and _folded(text[start:end]) == _folded(surface)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def rule_for_surfaces(text: str, spans: Sequence[Pair], surfaces: Sequence[str]) -> tuple[Rule, list[Pair]] | None:
    """Return the first rule under which every span holds its surface, and the spans in characters.

    :param surfaces: what the annotation says that each span covers.
    """
    for rule in RULES:
        if not rule.applies(text):
            continue
        positions = rule.positions(text)
        shifted = [(positions.get(start, -1), positions.get(end, -1)) for start, end in spans]
        if all(surface_matches(text, *pair, surface) for pair, surface in zip(shifted, surfaces, strict=True)):
            return rule, shifted
    return None


def utf16_explains(texts: Sequence[tuple[str, Sequence[Pair]]], *, in_doubt_characters: bool = False) -> bool:
    """Return True where all spans of a file make sense in UTF-16 units and some do not in characters.

    A span makes sense when it lies in the text, holds more than blanks and cuts no run of letters or digits; shifted,
    it must hold no blank at an edge either.

    :param texts: each text with its spans; only those with characters beyond U+FFFF tell anything.
    :param in_doubt_characters: only a span outside the text is a reason for doubt: the rule for our own format, which
        counts characters and may hold any span.
    """
    wide = [(text, spans) for text, spans in texts if spans and not text.isascii() and max(text) > "\uffff"]
    sensible = _lies_inside if in_doubt_characters else _is_possible
    if all(sensible(text, *span) for text, spans in wide for span in spans):
        return False
    return all(_fits(text, *span) for text, spans in _in_characters(wide) for span in spans)


def _in_characters(texts: Sequence[tuple[str, Sequence[Pair]]]) -> Iterator[tuple[str, list[Pair]]]:
    for text, spans in texts:
        positions = UTF16.positions(text)
        yield text, [(positions.get(start, -1), positions.get(end, -1)) for start, end in spans]


def _lies_inside(text: str, start: int, end: int) -> bool:
    return 0 <= start < end <= len(text)


def _is_possible(text: str, start: int, end: int) -> bool:
    """Return True where an annotator may have meant a span: blanks at an edge slip in, half a word does not."""
    inside = _lies_inside(text, start, end) and bool(text[start:end].strip())
    return inside and not (_cuts(text, start) or _cuts(text, end))


def _fits(text: str, start: int, end: int) -> bool:
    return _is_possible(text, start, end) and not text[start].isspace() and not text[end - 1].isspace()


def _cuts(text: str, place: int) -> bool:
    """Return True where a place lies between two letters or two digits of a script with blanks between words."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if is_unspaced(before) or is_unspaced(after):
        return False
    return (before.isalpha() and after.isalpha()) or (before.isdigit() and after.isdigit())
