"""From a model's answer to labelled sentences: salvages what is sound, and keeps every rejected item with its reason.

Read are tokens with integer tags (a legend says what they mean), tokens with string tags, a text with a list of
entities, and text with inline tags. Offsets are ours: an entity must stand in the text, else the item is rejected.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import regex

from harness.answers.forgiving_json import Found, objects
from harness.answers.items import (
    ENTITY_KEYS,
    INLINE,
    LABEL_KEYS,
    TAG_KEYS,
    TEXT_KEYS,
    TOKEN_KEYS,
    Legend,
    RejectedItem,
    from_inline,
    from_text,
    from_tokens,
    is_label,
    key_of,
)
from harness.values.account import Account
from harness.values.drafts import without_drafts
from harness.values.languages import script_letters
from harness.values.records import Sentence

LINE_KEYS = ("sentences", "items", "data", "lines", "examples", "list", "datapoints", "ner_datapoints")

REPAIRS = ("trailing_tag", "null_escape")
"""trailing_tag: one tag too many or too few is mended at the end of the list, where the last tag is O or the last
token punctuation. null_escape: escapes of six digits, ``\\u0000e4`` for ``\\u00e4`` and ``\\u000b9a`` for
``\\u0b9a``, become the letter that was meant. Off unless named; each use is counted.
"""

LONGEST_ANSWER = 2_000_000
"""Characters; longer answers are rejected whole."""

_STRUCTURE = regex.compile(r"[{\[]\s{0,40}[\"'{\[]")


class Rejected(NamedTuple):
    """An item that could not be used.

    :param reason: a name that is counted.
    :param raw: the item as far as it was read, or the beginning of the answer.
    """

    reason: str
    raw: Any


@dataclass
class Parsed:
    """What was read of an answer. ``items = len(sentences) + len(rejected)``.

    :param notes: what was mended or noticed in usable items: ``illegal_bio``, ``empty_tokens_removed``,
        ``dropped_label/X``, ``repair/RULE``.
    :param illegal: ids of usable sentences whose tags begin an entity with I-, for the filter ``illegal_bio``.
    """

    sentences: list[Sentence] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: Account = field(default_factory=Account)
    illegal: set[str] = field(default_factory=set)

    @property
    def items(self) -> int:
        """Number of items seen."""
        return len(self.sentences) + len(self.rejected)


def parse_answer(answer: str, legend: Legend, language: str, name: str, repairs: Sequence[str] = ()) -> Parsed:
    """Read the items of an answer.

    :param name: start of the sentences' ids: ``NAME-1`` …
    :param repairs: names of :data:`REPAIRS` to apply.
    """
    parsed = Parsed()
    if len(answer) > LONGEST_ANSWER:
        parsed.rejected.append(Rejected("answer_too_long", answer[:200]))
        return parsed
    if any("\ud800" <= char <= "\udfff" for char in answer):  # halves of characters, which no file could hold
        answer = answer.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    answer, draft = without_drafts(answer, frozenset(label.casefold() for label in (*legend.labels, *legend.label_map)))
    if draft:
        parsed.notes[draft] += 1
    if "null_escape" in repairs:
        answer = _with_four_digits(answer, language, parsed.notes)
    structured = False
    for candidate in objects(answer):
        if "null_escape" in repairs:
            candidate.value = _unescaped(candidate.value, language, parsed.notes)
        candidate.value = _joined_tokens(candidate.value)
        shape = _shape(candidate.value)
        if shape is None:
            structured = _add_marked(candidate, legend, language, name, parsed) or structured
        else:
            structured = True
            _add_item(candidate, shape, legend, Naming(language, name, repairs), parsed)
    if not structured and not _STRUCTURE.search(answer):
        _inline_lines(answer, legend, language, name, parsed)
    return parsed


class Naming(NamedTuple):
    """How the items of an answer are read.

    :param name: start of the sentences' ids.
    """

    language: str
    name: str
    repairs: Sequence[str]


def _add_marked(candidate: Found, legend: Legend, language: str, name: str, parsed: Parsed) -> bool:
    """Read a list of marked-up lines; return True where there were any."""
    lines = _marked_lines(candidate.value, legend)
    for place, line in enumerate(lines):
        if candidate.cut and place == len(lines) - 1:
            parsed.rejected.append(Rejected("truncated", line))
        else:
            _add_inline(line, legend, language, name, parsed)
    return bool(lines)


def _add_item(candidate: Found, shape: str, legend: Legend, naming: Naming, parsed: Parsed) -> None:
    """Read one object as a sentence, or reject it with its reason."""
    number = f"{naming.name}-{parsed.items + 1}"
    if candidate.cut and not _complete(candidate, shape):
        parsed.rejected.append(Rejected("truncated", candidate.value))
        return
    if candidate.stray and shape == "text":
        parsed.rejected.append(Rejected("damaged_text", candidate.value))
        return
    illegal = parsed.notes["illegal_bio"]
    try:
        if shape == "tokens":
            sentence = from_tokens(candidate.value, legend, naming.language, number, naming.repairs, parsed.notes)
        else:
            sentence = from_text(candidate.value, legend, naming.language, number, parsed.notes)
    except RejectedItem as reject:
        parsed.rejected.append(Rejected(reject.reason, candidate.value))
        return
    parsed.sentences.append(sentence)
    if parsed.notes["illegal_bio"] > illegal:
        parsed.illegal.add(number)


_SIX_DIGITS = regex.compile(r"(?<!\\)((?:\\\\)*)\\u00([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_EIGHT_DIGITS = regex.compile(r"(?<!\\)((?:\\\\)*)\\u0001([fF][0-9a-fA-F]{3})")
"""``\\u0001F600``: an emoji in one escape."""
_CONTROL_AND_DIGITS = regex.compile("([\x00-\x08\x0b\x0c\x0e-\x1f])([0-9a-fA-F]{2})")


def _meant(high: int, low: int, language: str) -> str | None:
    """Return the letter that ``\\u00`` + ``high`` + ``low`` was meant to be, where it is one of the language's script.

    Six digits are told from four and two characters by what four would be: a control character, which nobody writes, or
    an ASCII letter, which nobody escapes, for a language whose letters are there.
    """
    char = chr(high * 256 + low)
    kind = unicodedata.category(char)
    if ord(char) < 128 or kind in ("Cn", "Co", "Cs", "Cc"):
        return None
    if high == 0:
        return char if char.isalpha() else None
    if high == 0x20:  # dashes, curly quotes, joiners, the euro sign: an escaped blank is nothing that anybody writes
        return char if kind in ("Pd", "Pi", "Pf", "Po", "Sc", "Cf") else None
    if kind[0] not in "LMN" and (high, low >> 4) not in ((0x09, 0x6), (0x30, 0x0), (0x30, 0x1)):  # dandas, 、。「」
        return None
    pattern = script_letters(language)
    if pattern is None or not (kind[0] == "P" or pattern.match(char)):
        return None
    return char if high < 0x20 or 0x30 <= high <= 0x9F or 0xAC <= high <= 0xD7 else None


def _with_four_digits(answer: str, language: str, notes: Account) -> str:
    """Write escapes of six digits (``\\u000b9a``, ``\\u0000e4``) with four, before JSON cuts them in two."""

    def escape(match: "regex.Match[str]") -> str:
        char = _meant(int(match[2], 16), int(match[3], 16), language)
        if char is None:
            return str(match[0])
        notes["repair/null_escape"] += 1
        return f"{match[1]}\\u{ord(char):04x}"

    def emoji(match: "regex.Match[str]") -> str:
        notes["repair/null_escape"] += 1
        return str(match[1]) + chr(0x10000 + int(match[2], 16))

    return str(_SIX_DIGITS.sub(escape, _EIGHT_DIGITS.sub(emoji, answer)))


def _unescaped(value: dict[str, Any], language: str, notes: Account) -> dict[str, Any]:
    """Repair the same where the answer holds the control character itself, in the strings of an item."""

    def letter(match: "regex.Match[str]") -> str:
        return _meant(ord(match[1]), int(match[2], 16), language) or match[0]

    def mended(part: Any) -> Any:
        if isinstance(part, str):
            text = _CONTROL_AND_DIGITS.sub(letter, part)
            notes["repair/null_escape"] += text != part
            return text
        if isinstance(part, list):
            return [mended(inner) if isinstance(inner, str) else inner for inner in part]
        return part

    return {key: mended(inner) for key, inner in value.items()}


def _shape(value: Mapping[str, Any]) -> str | None:
    """Return True if an object is an item: tokens with tags, or a text; objects around items are neither."""
    tokens, tags, text = key_of(value, TOKEN_KEYS), key_of(value, TAG_KEYS), key_of(value, TEXT_KEYS)
    if tokens is not None and isinstance(value[tokens], list | str):
        return "tokens"
    if tags is not None and _is_tag_list(value[tags]):
        return "tokens"  # without tokens too: an item, to be rejected
    if text is None or not isinstance(value[text], str):
        return None
    if key_of(value, ENTITY_KEYS) is not None or INLINE.search(value[text]):
        return "text"
    if text.strip().casefold() in ("text", "sentence") and key_of(value, LABEL_KEYS) is None:
        return "text"  # a text of which nothing is said: an item, to be rejected
    return None


def _joined_tokens(value: dict[str, Any]) -> dict[str, Any]:
    """Make one item of a list of ``{"token": …, "tag": …}``."""
    if key_of(value, TEXT_KEYS) is not None:
        return value  # the list says what stands in the text
    for part in value.values():
        if isinstance(part, list) and part and all(isinstance(token, dict) and "token" in token for token in part):
            label_keys = [key_of(token, (*TAG_KEYS, *LABEL_KEYS, "ner_tag")) for token in part]
            if all(label_keys):
                tags = [token[key or ""] for token, key in zip(part, label_keys, strict=True)]
                return {"tokens": [token["token"] for token in part], "ner_tags": tags}
    return value


def _is_tag_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(part, int | str) for part in value)


def _complete(candidate: Found, shape: str) -> bool:
    """Return True if an object the answer ended in holds all of an item: both lists, closed."""
    tokens, tags = key_of(candidate.value, TOKEN_KEYS), key_of(candidate.value, TAG_KEYS)
    if shape != "tokens" or tokens is None or tags is None or {tokens, tags} & candidate.unfinished:
        return False
    return isinstance(candidate.value[tokens], list) and isinstance(candidate.value[tags], list)


def _inline_lines(answer: str, legend: Legend, language: str, name: str, parsed: Parsed) -> None:
    """Read an answer of lines with inline tags; lines without any are talk, and no items."""
    for line in answer.splitlines():
        text = regex.sub(r"^\s*(?:\d+[.)]|[-*•])\s+", "", line).strip()
        if not any(is_label(match[2], legend) for match in INLINE.finditer(text)):
            continue
        _add_inline(text, legend, language, name, parsed)


def _add_inline(text: str, legend: Legend, language: str, name: str, parsed: Parsed) -> None:
    try:
        sentence = from_inline(text, legend, language, f"{name}-{parsed.items + 1}", parsed.notes)
        parsed.sentences.append(sentence)
    except RejectedItem as reject:
        parsed.rejected.append(Rejected(reject.reason, text))


def _marked_lines(value: Mapping[str, Any], legend: Legend) -> list[str]:
    """Return the strings of ``{"sentences": ["<PER>…</PER> …", …]}``, those without entities included."""
    lines: list[str] = []
    for key, strings in value.items():
        if not isinstance(strings, list) or not strings or not all(isinstance(line, str) for line in strings):
            continue
        flat = [" ".join(line.split()) for line in strings]
        if str(key).strip().casefold() in LINE_KEYS[:1] or _any_marked(flat, legend):
            lines += [line for line in flat if line]
    texts = [part for part in value.values() if isinstance(part, str)]
    if not lines and len(texts) == len(value) and _any_marked(texts, legend):
        lines = [" ".join(text.split()) for text in texts]  # {"1": "<PER>…"}
    return lines


def _any_marked(lines: Sequence[str], legend: Legend) -> bool:
    return any(is_label(match[2], legend) for line in lines for match in INLINE.finditer(line))
