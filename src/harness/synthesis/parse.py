"""From a model's answer to labelled sentences: salvages what is sound, and keeps every rejected item with its reason.

Read are tokens with integer tags (a legend says what they mean), tokens with string tags, a text with a list of
entities, and text with inline tags. Offsets are ours: an entity must stand in the text, else the item is rejected.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import regex

from harness.errors import ConfigError
from harness.labels import spans_from_tags
from harness.languages import UNSPACED_LANGUAGES
from harness.records import Sentence, Span, span_fault
from harness.synthesis.salvage import Found, objects

TOKEN_KEYS = ("tokens", "words", "token_list")
TAG_KEYS = ("ner_tags", "tags", "labels", "ner", "bio", "bio_tags")
TEXT_KEYS = ("text", "sentence", "input", "content")
ENTITY_KEYS = ("entities", "spans", "ner", "annotations", "named_entities", "labels", "tags")
LINE_KEYS = ("sentences", "items", "data", "lines", "examples", "list", "datapoints", "ner_datapoints")
SURFACE_KEYS = ("text", "surface", "entity", "span", "word", "token", "name", "value", "mention")
LABEL_KEYS = ("label", "type", "tag", "category", "class", "entity_type")

REPAIRS = ("trailing_tag", "null_escape")
"""trailing_tag: one tag too many or too few is mended at the end of the list, where the last tag is O or the last token
punctuation. null_escape: ``\\u0000e4`` for ``\\u00e4``, a NUL with the two digits of a Latin letter after it, becomes
that letter. Off unless named; each use is counted."""

LONGEST_ANSWER = 2_000_000
"""Characters; longer answers are rejected whole."""

_INLINE = regex.compile(r"<\s{0,4}(/?)\s{0,4}([A-Za-z][\w-]{0,30})\s{0,4}>")
_STRUCTURE = regex.compile(r"[{\[]\s{0,40}[\"'{\[]")
_NUMBER = regex.compile(r"-?[0-9]{1,6}")
_PUNCTUATION = regex.compile(r"^[\p{P}\p{S}]+$")


@dataclass(frozen=True)
class Legend:
    """What tags and labels mean.

    :param labels: allowed labels, in the order of the corpus card.
    :param tags: names of integer tags, ``None`` where answers carry names.
    :param label_map: other names of a label; ``None`` drops the entity (counted).
    """

    labels: tuple[str, ...]
    tags: tuple[str, ...] | None = None
    label_map: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def of_tags(cls, tags: Sequence[str], label_map: Mapping[str, str | None] | None = None) -> "Legend":
        """Make a legend from tag names in the order of their numbers: ``O,B-PER,I-PER``.

        :raises ConfigError: a name is neither O nor B-X nor I-X.
        """
        wrong = [tag for tag in tags if tag != "O" and not regex.fullmatch(r"[BIES]-\S+", tag)]
        if wrong or "O" not in tags:
            raise ConfigError(f"tag legend: found {wrong or list(tags)}, write for example O,B-PER,I-PER,B-LOC,I-LOC")
        labels = tuple(dict.fromkeys(tag[2:] for tag in tags if tag != "O"))
        return cls(labels, tuple(tags), label_map or {})


class Rejected(NamedTuple):
    """An item that could not be used.

    :param reason: a name that is counted.
    :param raw: the item as far as it was read, or the beginning of the answer.
    """

    reason: str
    raw: Any


@dataclass
class Parsed:
    """What an answer came to. ``items = len(sentences) + len(rejected)``.

    :param notes: what was mended or noticed in usable items: ``illegal_bio``, ``empty_tokens_removed``,
        ``dropped_label/X``, ``repair/RULE``.
    """

    sentences: list[Sentence] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

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
    structured = False
    for found in objects(answer):
        if "null_escape" in repairs:
            found.value = _unescaped(found.value, parsed.notes)
        found.value = _joined_tokens(found.value)
        shape = _shape(found.value)
        if shape is None:
            listed = _marked_lines(found.value, legend)
            structured = structured or bool(listed)
            for place, line in enumerate(listed):
                if found.cut and place == len(listed) - 1:
                    parsed.rejected.append(Rejected("truncated", line))
                else:
                    _add_inline(line, legend, language, name, parsed)
            continue
        structured = True
        number = f"{name}-{parsed.items + 1}"
        if found.cut and not _complete(found, shape):
            parsed.rejected.append(Rejected("truncated", found.value))
            continue
        try:
            if shape == "tokens":
                parsed.sentences.append(_from_tokens(found.value, legend, language, number, repairs, parsed.notes))
            else:
                parsed.sentences.append(_from_text(found.value, legend, language, number, parsed.notes))
        except _Reject as reject:
            parsed.rejected.append(Rejected(reject.reason, found.value))
    if not structured and not _STRUCTURE.search(answer):
        _inline_lines(answer, legend, language, name, parsed)
    return parsed


_NULL_ESCAPE = regex.compile("\x00([0-9a-fA-F]{2})")


def _unescaped(value: dict[str, Any], notes: Counter[str]) -> dict[str, Any]:
    """Mend broken escapes of Latin letters in the strings of an item."""

    def letter(match: "regex.Match[str]") -> str:
        char = chr(int(match[1], 16))
        return char if char.isalpha() and ord(char) > 127 else match[0]

    def mended(one: Any) -> Any:
        if isinstance(one, str) and "\x00" in one:
            made = _NULL_ESCAPE.sub(letter, one)
            notes["repair/null_escape"] += made != one
            return made
        if isinstance(one, list):
            return [mended(inner) if isinstance(inner, str) else inner for inner in one]
        return one

    return {key: mended(one) for key, one in value.items()}


class _Reject(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _key(value: Mapping[str, Any], names: Sequence[str]) -> str | None:
    folded = {str(key).strip().casefold().replace(" ", "_"): key for key in value}
    return next((folded[name] for name in names if name in folded), None)


def _shape(value: Mapping[str, Any]) -> str | None:
    """Tell whether an object is an item: tokens with tags, or a text; objects around items are neither."""
    tokens, tags, text = _key(value, TOKEN_KEYS), _key(value, TAG_KEYS), _key(value, TEXT_KEYS)
    if tokens is not None and isinstance(value[tokens], list | str):
        return "tokens"
    if tags is not None and _is_tag_list(value[tags]):
        return "tokens"  # without tokens too: an item, to be rejected
    if text is None or not isinstance(value[text], str):
        return None
    if _key(value, ENTITY_KEYS) is not None or _INLINE.search(value[text]):
        return "text"
    if text.strip().casefold() in ("text", "sentence") and _key(value, LABEL_KEYS) is None:
        return "text"  # a text of which nothing is said: an item, to be rejected
    return None


def _joined_tokens(value: dict[str, Any]) -> dict[str, Any]:
    """Make one item of a list of ``{"token": …, "tag": …}``."""
    if _key(value, TEXT_KEYS) is not None:
        return value  # the list says what stands in the text
    for one in value.values():
        if isinstance(one, list) and one and all(isinstance(token, dict) and "token" in token for token in one):
            label_keys = [_key(token, (*TAG_KEYS, *LABEL_KEYS, "ner_tag")) for token in one]
            if all(label_keys):
                tags = [token[key or ""] for token, key in zip(one, label_keys, strict=True)]
                return {"tokens": [token["token"] for token in one], "ner_tags": tags}
    return value


def _is_tag_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, int | str) for one in value)


def _complete(found: Found, shape: str) -> bool:
    """Tell whether an object the answer ended in holds all of an item: both lists, closed."""
    tokens, tags = _key(found.value, TOKEN_KEYS), _key(found.value, TAG_KEYS)
    if shape != "tokens" or tokens is None or tags is None or {tokens, tags} & found.unfinished:
        return False
    return isinstance(found.value[tokens], list) and isinstance(found.value[tags], list)


def _from_tokens(
    value: Mapping[str, Any], legend: Legend, language: str, number: str, repairs: Sequence[str], notes: Counter[str]
) -> Sentence:
    token_key, tag_key = _key(value, TOKEN_KEYS), _key(value, TAG_KEYS)
    text_key = _key(value, TEXT_KEYS)
    if token_key is None and text_key is not None and isinstance(value[text_key], str):
        value, token_key = {**value, "tokens": value[text_key]}, "tokens"
    if token_key is None:
        raise _Reject("missing_tokens")
    if tag_key is None:
        raise _Reject("missing_tags")
    tokens, tags = value[token_key], value[tag_key]
    if isinstance(tokens, str):
        tokens = tokens.split()
    if isinstance(tags, str):
        tags = [tag for tag in regex.split(r"[\s,]+", tags.strip("[] ")) if tag]
    if not isinstance(tokens, list) or not isinstance(tags, list):
        raise _Reject("missing_tags")
    if not tokens:
        raise _Reject("no_tokens")
    if any(isinstance(token, dict | list | bool) or token is None for token in tokens):
        raise _Reject("token_is_no_text")
    tokens = [str(token) for token in tokens]
    if len(tokens) != len(tags):
        tags = _mended(tokens, tags, repairs, notes)
    names = [_tag_name(tag, legend) for tag in tags]
    notes["illegal_bio"] += _is_illegal(names)
    filled = [(" ".join(token.split()), name) for token, name in zip(tokens, names, strict=True)]
    kept = [(token, name) for token, name in filled if token]
    notes["empty_tokens_removed"] += len(filled) - len(kept)
    if not kept:
        raise _Reject("no_tokens")
    offsets: list[tuple[int, int]] = []
    place = 0
    for token, _ in kept:
        offsets.append((place, place + len(token)))
        place += len(token) + 1
    text = " ".join(token for token, _ in kept)
    spans = _mapped(spans_from_tags([name for _, name in kept], offsets), legend, notes)
    return Sentence(number, text, language, spans, tuple(offsets))


def _mended(tokens: list[str], tags: list[Any], repairs: Sequence[str], notes: Counter[str]) -> list[Any]:
    """Apply the named repair of a list that is one off, or reject."""
    if "trailing_tag" in repairs:
        outside = (0, "O", "0")
        if len(tags) == len(tokens) + 1 and tags[-1] in outside:
            notes["repair/trailing_tag"] += 1
            return tags[:-1]
        if len(tags) == len(tokens) - 1 and _PUNCTUATION.match(tokens[-1]):
            notes["repair/trailing_tag"] += 1
            return [*tags, "O"]
    raise _Reject("length_mismatch")


def _tag_name(tag: Any, legend: Legend) -> str:
    """Return a tag's name; a number needs a legend."""
    if isinstance(tag, str) and _NUMBER.fullmatch(tag.strip()):
        tag = int(str(tag).strip())
    if isinstance(tag, float) and tag.is_integer():
        tag = int(tag)
    if isinstance(tag, bool) or not isinstance(tag, int | str):
        raise _Reject("tag_is_no_tag")
    if isinstance(tag, int):
        if legend.tags is None:
            raise _Reject("integer_tags_without_legend")
        if not 0 <= tag < len(legend.tags):
            raise _Reject("tag_out_of_range")
        return legend.tags[tag]
    name = tag.strip()
    if name.upper() in ("O", "OUTSIDE", "NONE", ""):
        return "O"
    prefix, dash, label = name.partition("-")
    if not dash or prefix.upper() not in ("B", "I", "E", "S", "L", "U"):
        prefix, label = "I", name  # a bare label: neighbours of one label are one entity
    if label not in legend.labels and label not in legend.label_map:
        folded = {known.casefold(): known for known in (*legend.labels, *legend.label_map)}
        if label.casefold() not in folded:
            raise _Reject("unknown_label")
        label = folded[label.casefold()]
    return f"{ {'L': 'E', 'U': 'S'}.get(prefix.upper(), prefix.upper()) }-{label}"


def _is_illegal(names: Sequence[str]) -> bool:
    """Tell whether an I- follows neither B- nor I- of its label."""
    before = "O"
    for name in names:
        if name.startswith("I-") and before[2:] != name[2:]:
            return True
        before = name
    return False


def _mapped(spans: Sequence[Span], legend: Legend, notes: Counter[str]) -> tuple[Span, ...]:
    kept = []
    for span in spans:
        label = legend.label_map.get(span.label, span.label)
        if label is None:
            notes[f"dropped_label/{span.label}"] += 1
        else:
            kept.append(Span(span.start, span.end, label))
    return tuple(kept)


def _from_text(value: Mapping[str, Any], legend: Legend, language: str, number: str, notes: Counter[str]) -> Sentence:
    text_key, entity_key = _key(value, TEXT_KEYS), _key(value, ENTITY_KEYS)
    text = " ".join(str(value[text_key]).split()) if text_key else ""
    marked = any(_known_label(match[2], legend) for match in _INLINE.finditer(text))
    if marked and (entity_key is None or not value[entity_key]):
        return _from_inline(text, legend, language, number, notes)
    if not text:
        raise _Reject("no_text")
    if entity_key is None:
        raise _Reject("missing_entities")
    if marked:
        raise _Reject("tags_and_entities")
    spans = _placed(text, list(_listed(value[entity_key])), legend, language)
    return Sentence(number, text, language, _mapped(spans, legend, notes))


def _placed(text: str, entities: Sequence[tuple[str, str]], legend: Legend, language: str) -> list[Span]:
    """Find entities in their text: long surfaces first, equal ones from left to right, none where another stands.

    A surface must stand free (whole words) except in scripts written without blanks.
    """
    listed = []
    for surface, label in entities:
        wanted = " ".join(surface.split())
        if not wanted:
            raise _Reject("empty_entity")
        listed.append((wanted, _tag_name(label if "-" in label[:2] else f"B-{label}", legend)[2:]))
    taken = bytearray(len(text))
    from_where: dict[str, int] = {}
    spans = []
    for surface, label in sorted(listed, key=lambda one: -len(one[0])):  # stable: equal surfaces keep their order
        start = _free(text, surface, taken, from_where.get(surface, 0), language)
        if start is None:
            raise _Reject("entity_not_in_text")
        end = start + len(surface)
        taken[start:end] = b"\1" * len(surface)
        from_where[surface] = end
        spans.append(Span(start, end, label))
    return sorted(spans)


_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]")


def _free(text: str, surface: str, taken: bytearray, start: int, language: str) -> int | None:
    """Return the next place of a surface that is not taken and, in spaced scripts, not part of a word."""
    spaced = language.partition("-")[0] not in UNSPACED_LANGUAGES
    while (place := text.find(surface, start)) >= 0:
        end = place + len(surface)
        before = text[place - 1 : place] if _WORD.match(surface[0]) else ""
        after = text[end : end + 1] if _WORD.match(surface[-1]) else ""
        # A mark belongs to the letter before it, whatever the script.
        inside = bool(regex.match(r"\p{M}", text[end : end + 1]))
        if not any(taken[place:end]) and not inside and not (spaced and (_WORD.match(before) or _WORD.match(after))):
            return place
        start = place + 1
    return None


def _listed(entities: Any) -> Iterator[tuple[str, str]]:
    """Yield surface and label of a list of entities: objects, pairs, or label → surfaces."""
    if isinstance(entities, dict):
        for label, surfaces in entities.items():
            for surface in surfaces if isinstance(surfaces, list) else [surfaces]:
                if not isinstance(surface, str):
                    raise _Reject("entity_is_no_text")
                yield surface, str(label)
        return
    if not isinstance(entities, list):
        raise _Reject("entity_is_no_text")
    for entity in entities:
        if isinstance(entity, dict):
            surface_key, label_key = _key(entity, SURFACE_KEYS), _key(entity, LABEL_KEYS)
            if surface_key is None or label_key is None or not isinstance(entity[surface_key], str):
                raise _Reject("entity_is_no_text")
            yield entity[surface_key], str(entity[label_key])
        elif isinstance(entity, list) and len(entity) == 2 and all(isinstance(one, str) for one in entity):
            yield entity[0], entity[1]
        else:
            raise _Reject("entity_is_no_text")


def _inline_lines(answer: str, legend: Legend, language: str, name: str, parsed: Parsed) -> None:
    """Read an answer of lines with inline tags; lines without any are talk, and no items."""
    for line in answer.splitlines():
        text = regex.sub(r"^\s*(?:\d+[.)]|[-*•])\s+", "", line).strip()
        if not any(_known_label(match[2], legend) for match in _INLINE.finditer(text)):
            continue
        _add_inline(text, legend, language, name, parsed)


def _add_inline(text: str, legend: Legend, language: str, name: str, parsed: Parsed) -> None:
    try:
        made = _from_inline(text, legend, language, f"{name}-{parsed.items + 1}", parsed.notes)
        parsed.sentences.append(made)
    except _Reject as reject:
        parsed.rejected.append(Rejected(reject.reason, text))


def _marked_lines(value: Mapping[str, Any], legend: Legend) -> list[str]:
    """Return the strings of ``{"sentences": ["<PER>…</PER> …", …]}``, those without entities included."""
    lines: list[str] = []
    for key, one in value.items():
        if not isinstance(one, list) or not one or not all(isinstance(line, str) for line in one):
            continue
        flat = [" ".join(line.split()) for line in one]
        if str(key).strip().casefold() in LINE_KEYS[:1] or _any_marked(flat, legend):
            lines += [line for line in flat if line]
    texts = [one for one in value.values() if isinstance(one, str)]
    if not lines and len(texts) == len(value) and _any_marked(texts, legend):
        lines = [" ".join(text.split()) for text in texts]  # {"1": "<PER>…"}
    return lines


def _any_marked(lines: Sequence[str], legend: Legend) -> bool:
    return any(_known_label(match[2], legend) for line in lines for match in _INLINE.finditer(line))


def _known_label(name: str, legend: Legend) -> bool:
    return name.casefold() in {label.casefold() for label in (*legend.labels, *legend.label_map)}


def _from_inline(text: str, legend: Legend, language: str, number: str, notes: Counter[str]) -> Sentence:
    """Read ``<PER>Anna</PER> bor i <LOC>Malmö</LOC>``."""
    made = ""
    before = 0
    opened: tuple[str, int] | None = None
    spans = []
    for match in _INLINE.finditer(text):
        made += text[before : match.start()]
        before = match.end()
        label = _tag_name(f"B-{match[2]}", legend)[2:]
        if match[1]:
            if opened is None or opened[0] != label:
                raise _Reject("broken_inline_tags")
            surface = made[opened[1] :]
            start = opened[1] + len(surface) - len(surface.lstrip())
            spans.append(Span(start, start + len(surface.strip()), label))
            opened = None
        elif opened is not None:
            raise _Reject("broken_inline_tags")
        else:
            opened = (label, len(made))
    if opened is not None:
        raise _Reject("broken_inline_tags")
    made += text[before:]
    if not made.strip():
        raise _Reject("no_text")
    previous = None
    for span in spans:
        if span_fault(made, span, previous):
            raise _Reject("broken_inline_tags")
        previous = span
    shift = len(made) - len(made.lstrip())
    moved = [Span(span.start - shift, span.end - shift, span.label) for span in spans]
    return Sentence(number, made.strip(), language, _mapped(moved, legend, notes))
