"""One item of an answer becomes a labelled sentence, or is refused with a reason: tags, entity lists, inline tags.

Offsets are ours: an entity must stand in the text. Nothing is guessed; what is mended is named and counted.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import regex

from harness.values.account import Account
from harness.values.errors import ConfigError
from harness.values.inline import Mark, MarkFault, take_out
from harness.values.labels import join_tokens, spans_from_tags
from harness.values.languages import UNSPACED_LANGUAGES
from harness.values.records import Sentence, Span, span_fault

TOKEN_KEYS = ("tokens", "words", "token_list")


TAG_KEYS = ("ner_tags", "tags", "labels", "ner", "bio", "bio_tags")


TEXT_KEYS = ("text", "sentence", "input", "content")


ENTITY_KEYS = ("entities", "spans", "ner", "annotations", "named_entities", "labels", "tags")


SURFACE_KEYS = ("text", "surface", "entity", "span", "word", "token", "name", "value", "mention")


LABEL_KEYS = ("label", "type", "tag", "category", "class", "entity_type")


INLINE = regex.compile(r"<\s{0,4}(/?)\s{0,4}([A-Za-z][\w-]{0,30})\s{0,4}>")


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


class RejectedItem(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def key_of(value: Mapping[str, Any], names: Sequence[str]) -> str | None:
    folded = {str(key).strip().casefold().replace(" ", "_"): key for key in value}
    return next((folded[name] for name in names if name in folded), None)


def from_tokens(
    value: Mapping[str, Any], legend: Legend, language: str, number: str, repairs: Sequence[str], notes: Account
) -> Sentence:
    token_key, tag_key = key_of(value, TOKEN_KEYS), key_of(value, TAG_KEYS)
    text_key = key_of(value, TEXT_KEYS)
    if token_key is None and text_key is not None and isinstance(value[text_key], str):
        value, token_key = {**value, "tokens": value[text_key]}, "tokens"
    if token_key is None:
        raise RejectedItem("missing_tokens")
    if tag_key is None:
        raise RejectedItem("missing_tags")
    tokens, tags = value[token_key], value[tag_key]
    if isinstance(tokens, str):
        tokens = tokens.split()
    if isinstance(tags, str):
        tags = [tag for tag in regex.split(r"[\s,]+", tags.strip("[] ")) if tag]
    if not isinstance(tokens, list) or not isinstance(tags, list):
        raise RejectedItem("missing_tags")
    if not tokens:
        raise RejectedItem("no_tokens")
    if any(isinstance(token, dict | list | bool) or token is None for token in tokens):
        raise RejectedItem("token_is_no_text")
    tokens = [str(token) for token in tokens]
    if len(tokens) != len(tags):
        tags = _mended(tokens, tags, repairs, notes)
    names = [_tag_name(tag, legend) for tag in tags]
    filled = [(" ".join(token.split()), name) for token, name in zip(tokens, names, strict=True)]
    kept = [(token, name) for token, name in filled if token]
    notes["empty_tokens_removed"] += len(filled) - len(kept)
    if not kept:
        raise RejectedItem("no_tokens")
    notes["illegal_bio"] += _is_illegal(names)
    text, offsets = join_tokens([token for token, _ in kept])
    spans = _mapped(spans_from_tags([name for _, name in kept], offsets), legend, notes)
    return Sentence(number, text, language, spans, offsets)


def _mended(tokens: list[str], tags: list[Any], repairs: Sequence[str], notes: Account) -> list[Any]:
    """Apply the named repair of a list that is one off, or reject."""
    if "trailing_tag" in repairs:
        outside = (0, "O", "0")
        if len(tags) == len(tokens) + 1 and tags[-1] in outside:
            notes["repair/trailing_tag"] += 1
            return tags[:-1]
        if len(tags) == len(tokens) - 1 and _PUNCTUATION.match(tokens[-1]):
            notes["repair/trailing_tag"] += 1
            return [*tags, "O"]
    raise RejectedItem("length_mismatch")


def _tag_name(tag: Any, legend: Legend) -> str:
    """Return a tag's name; a number needs a legend."""
    if isinstance(tag, str) and _NUMBER.fullmatch(tag.strip()):
        tag = int(str(tag).strip())
    if isinstance(tag, float) and tag.is_integer():
        tag = int(tag)
    if isinstance(tag, bool) or not isinstance(tag, int | str):
        raise RejectedItem("tag_is_no_tag")
    if isinstance(tag, int):
        if legend.tags is None:
            raise RejectedItem("integer_tags_without_legend")
        if not 0 <= tag < len(legend.tags):
            raise RejectedItem("tag_out_of_range")
        return legend.tags[tag]
    name = tag.strip()
    if name.upper() in ("O", "OUTSIDE", "NONE", "", "B-O", "I-O"):
        return "O"
    prefix, dash, label = name.partition("-")
    if not dash or prefix.upper() not in ("B", "I", "E", "S", "L", "U"):
        prefix, label = "I", name  # a bare label: neighbours of one label are one entity
    if label not in legend.labels and label not in legend.label_map:
        folded = {known.casefold(): known for known in (*legend.labels, *legend.label_map)}
        if label.casefold() not in folded:
            raise RejectedItem("unknown_label")
        label = folded[label.casefold()]
    return f"{ {'L': 'E', 'U': 'S'}.get(prefix.upper(), prefix.upper()) }-{label}"


def _is_illegal(names: Sequence[str]) -> bool:
    """Return True if an I- follows neither B- nor I- of its label."""
    before = "O"
    for name in names:
        if name.startswith("I-") and before[2:] != name[2:]:
            return True
        before = name
    return False


def _mapped(spans: Sequence[Span], legend: Legend, notes: Account) -> tuple[Span, ...]:
    kept = []
    for span in spans:
        label = legend.label_map.get(span.label, span.label)
        if label is None:
            notes[f"dropped_label/{span.label}"] += 1
        else:
            kept.append(Span(span.start, span.end, label))
    return tuple(kept)


def from_text(value: Mapping[str, Any], legend: Legend, language: str, number: str, notes: Account) -> Sentence:
    text_key, entity_key = key_of(value, TEXT_KEYS), key_of(value, ENTITY_KEYS)
    text = " ".join(str(value[text_key]).split()) if text_key else ""
    marked = any(is_label(match[2], legend) for match in INLINE.finditer(text))
    if marked and (entity_key is None or not value[entity_key]):
        return from_inline(text, legend, language, number, notes)
    if not text:
        raise RejectedItem("no_text")
    if entity_key is None:
        raise RejectedItem("missing_entities")
    if marked:
        raise RejectedItem("tags_and_entities")
    entities = list(_listed(value[entity_key]))
    try:
        spans = _placed(text, entities, legend, language)
    except RejectedItem:
        # The same letters, composed in one and decomposed in the other.
        composed = unicodedata.normalize("NFC", text)
        named = [(unicodedata.normalize("NFC", surface), label) for surface, label in entities]
        if (composed, named) == (text, entities):
            raise
        spans = _placed(composed, named, legend, language)
        text = composed
        notes["unicode_form_unified"] += 1
    return Sentence(number, text, language, _mapped(spans, legend, notes))


def _placed(text: str, entities: Sequence[tuple[str, str]], legend: Legend, language: str) -> list[Span]:
    """Find entities in their text: long surfaces first, equal ones from left to right, none where another stands.

    A surface must stand free (whole words) except in scripts written without blanks.
    """
    listed = []
    for surface, label in entities:
        wanted = " ".join(surface.split())
        if not wanted:
            raise RejectedItem("empty_entity")
        listed.append((wanted, _tag_name(label if "-" in label[:2] else f"B-{label}", legend)[2:]))
    taken = bytearray(len(text))
    from_where: dict[str, int] = {}
    spans = []
    for surface, label in sorted(listed, key=lambda entity: -len(entity[0])):  # stable: equal surfaces keep their order
        start = _free(text, surface, taken, from_where.get(surface, 0), language)
        if start is None:
            raise RejectedItem("entity_not_in_text")
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
                    raise RejectedItem("entity_is_no_text")
                yield surface, str(label)
        return
    if not isinstance(entities, list):
        raise RejectedItem("entity_is_no_text")
    for entity in entities:
        if isinstance(entity, dict):
            surface_key, label_key = key_of(entity, SURFACE_KEYS), key_of(entity, LABEL_KEYS)
            if surface_key is None or label_key is None or not isinstance(entity[surface_key], str):
                raise RejectedItem("entity_is_no_text")
            yield entity[surface_key], str(entity[label_key])
        elif isinstance(entity, list) and len(entity) == 2 and all(isinstance(part, str) for part in entity):
            yield entity[0], entity[1]
        else:
            raise RejectedItem("entity_is_no_text")


def is_label(name: str, legend: Legend) -> bool:
    return name.casefold() in {label.casefold() for label in (*legend.labels, *legend.label_map)}


def from_inline(text: str, legend: Legend, language: str, number: str, notes: Account) -> Sentence:
    """Read ``<PER>Anna</PER> bor i <LOC>Malmö</LOC>``."""
    marks = [
        Mark(match.start(), match.end(), bool(match[1]), _tag_name(f"B-{match[2]}", legend)[2:])
        for match in INLINE.finditer(text)
    ]
    try:
        plain, pieces = take_out(text, marks)
    except MarkFault:
        raise RejectedItem("broken_inline_tags") from None
    spans = []
    for label, start, end in pieces:
        surface = plain[start:end]
        begin = start + len(surface) - len(surface.lstrip())
        spans.append(Span(begin, begin + len(surface.strip()), label))
    if not plain.strip():
        raise RejectedItem("no_text")
    previous = None
    for span in spans:
        if span_fault(plain, span, previous):
            raise RejectedItem("broken_inline_tags")
        previous = span
    shift = len(plain) - len(plain.lstrip())
    moved = [Span(span.start - shift, span.end - shift, span.label) for span in spans]
    return Sentence(number, plain.strip(), language, _mapped(moved, legend, notes))
