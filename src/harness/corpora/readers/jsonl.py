"""JSON lines (or one JSON array) of annotated texts: the interchange format, and what annotation tools export.

Interchange: ``{"id", "text", "language", "spans": [{"start", "end", "label"}], "tokens": [[start, end]],
"unknown"}``; ``id``, ``language``, ``tokens`` and ``unknown`` may be missing. Offsets are characters, end exclusive;
a file whose offsets make sense in UTF-16 units alone is read so, and counted.

Read too, told by their keys: doccano (``"label": [[start, end, "Label"]]``, also ``labels``, ``entities``,
``annotations``), Prodigy (``answer``; rejected and ignored ones are dropped and counted), Label Studio (tasks with
``data`` and ``annotations``), and ``tokens`` with ``ner_tags``, both as texts. An object without annotations is an
error: a file whose entities stand under a key that nobody reads would otherwise teach that there are none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.corpora.readers.annotation_tools import (
    as_json,
    first_of,
    is_accepted,
    is_label_studio,
    label_studio,
    leaves_out_empty,
    listed,
)
from harness.corpora.readers.offsets import UTF16, rule_for_surfaces, surface_matches, utf16_explains
from harness.corpora.readers.text import (
    Reading,
    clean_name,
    clean_spans,
    clean_text,
    parse_json,
    read_text,
    split_lines,
)
from harness.corpora.readers.tokens import (
    legal_tags,
    sentence_from_tags,
    shared_prefix,
    token_texts,
    without_empty_tokens,
    without_prefix,
)
from harness.machine.process import collector_paused
from harness.values.account import Account
from harness.values.errors import DataError, listing, shown
from harness.values.languages import is_unspaced, normalise_language
from harness.values.records import Sentence, Span

ANNOTATION_KEYS = ("spans", "label", "labels", "entities", "annotations", "ents", "ner")
"""Where annotations are looked for, in this order."""


TAG_KEYS = ("ner_tags", "tags", "labels", "ner")
"""Names of the tags beside ``tokens``."""


_START_KEYS = ("start", "start_offset", "begin", "from")


_END_KEYS = ("end", "end_offset", "stop", "to")


_LABEL_KEYS = ("label", "labels", "entity_group", "type", "tag", "entity")


_SURFACE_KEYS = ("text", "surface")


@dataclass
class RawText:
    """One text with its annotations as they stand in a file.

    :param spans: as given; they may overlap.
    :param surfaces: what the file says that each span covers, where it does.
    :param own: in the interchange format, not of a tool whose offsets may count something else.
    """

    id: str
    text: str
    language: str
    where: str
    spans: list[Span]
    surfaces: list[str | None]
    tokens: list[tuple[int, int]] | None = None
    unknown: tuple[tuple[int, int], ...] = ()
    own: bool = False


def json_objects(path: Path, account: Account | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line number and object of every non-blank line; of a file that is one JSON array, number and item.

    :raises DataError: a line is not a JSON object.
    """
    text = read_text(path, account)
    if text.lstrip().startswith("["):
        for number, value in enumerate(parse_json(text, str(path)), 1):
            if not isinstance(value, dict):
                raise DataError(f"{path}: item {number} is {type(value).__name__}, a JSON object is needed")
            yield number, value
        return
    for number, line in enumerate(split_lines(text), 1):
        if not line.strip():
            continue
        value = parse_json(line, f"{path}:{number}")
        if not isinstance(value, dict):
            raise DataError(f"{path}:{number}: found {type(value).__name__}, a JSON object is needed")
        yield number, value


@collector_paused()
def read_jsonl(path: Path, language: str) -> Reading:
    """Read annotated objects.

    :param language: used where an object names none.
    :raises DataError: an object has no annotations, or they are malformed.
    """
    return _reading(path, language, annotated=True)


@collector_paused()
def read_jsonl_texts(path: Path, language: str) -> Reading:
    """Read the texts of objects, for prediction and translation: annotations may be missing."""
    return _reading(path, language, annotated=False)


@collector_paused()
def read_doccano(path: Path, language: str) -> Reading:
    """Read doccano-style offset lists; label names are kept as they are (map them in the card)."""
    return read_jsonl(path, language)


def raw_texts(path: Path, language: str, account: Account, *, annotated: bool = True) -> list[RawText | Sentence]:
    """Read objects with their spans as given, offsets in characters; objects of tokens and tags are sentences
    already.
    """
    values: list[tuple[str, dict[str, Any]]] = []
    of_tools: set[str] = set()
    for number, value in json_objects(path, account):
        where = f"{path}:{number}"
        task = label_studio(value, account, where, annotated) if is_label_studio(value) else value
        if task is not value or "answer" in value:
            of_tools.add(where)
        if task is not None and (not annotated or is_accepted(task, account)):
            values.append((where, task))
    tokens = (
        token
        for _, value in values
        if _has_tags(value)
        for token in value["tokens"]
        if token and isinstance(token, str)
    )
    prefix = shared_prefix(tokens)
    texts: list[RawText | Sentence] = []
    for number, (where, value) in enumerate(values, 1):
        own = value.get("language")
        spoken = normalise_language(str(own)) if own else language
        name = clean_name(value.get("id", where.rpartition(":")[2] or number), account)
        if not annotated and _has_tags(value) and not any(key in value for key in TAG_KEYS):
            value = {**value, "ner_tags": ["O"] * len(value["tokens"])}
        if _has_tags(value):
            sentence = _from_tokens(value, name, spoken, where, account, prefix)
            texts += [sentence] if sentence is not None else []
            continue
        raw = _raw_text(value, name, spoken, where, account, annotated=annotated)
        raw.own = raw.own and where not in of_tools
        texts.append(raw)
    _in_characters([raw for raw in texts if isinstance(raw, RawText)], path, account)
    return texts


def _reading(path: Path, language: str, *, annotated: bool) -> Reading:
    account = Account()
    sentences = []
    for raw in raw_texts(path, language, account, annotated=annotated):
        if isinstance(raw, Sentence):
            sentences.append(raw)
            continue
        spans = clean_spans(raw.text, raw.spans, account, raw.where)
        tokens = _token_offsets(raw.tokens, raw.text, raw.where) if raw.tokens is not None else None
        sentences.append(Sentence(raw.id, raw.text, raw.language, spans, tokens, raw.unknown))
    return Reading(tuple(sentences), account.nonzero())


def _raw_text(
    value: Mapping[str, Any], name: str, language: str, where: str, account: Account, *, annotated: bool
) -> RawText:
    text = value.get("text", value.get("data"))  # doccano once wrote data
    if not isinstance(text, str):
        raise DataError(f"{where}: 'text' is {'missing' if text is None else type(text).__name__}; a string is needed")
    text = clean_text(text, account)
    key = _annotation_key(value)
    spans: list[Span] = []
    surfaces: list[str | None] = []
    if key is None and annotated and not leaves_out_empty(value):
        raise DataError(
            f"{where}: no annotations: 'spans' is missing (found {shown(listing(value, most=8))}); "
            f'they are read from {listing(ANNOTATION_KEYS)}; a sentence without entities has "spans": []'
        )
    if key is not None:
        if key != "spans":
            account[f"annotations_read_from/{key if key in ANNOTATION_KEYS else shown(key)[1:-1]}"] += 1
        for item in listed(value, key, where):
            span, surface = _span(item, where, key, account)
            spans.append(span)
            surfaces.append(surface)
    tokens = _token_pairs(value["tokens"], where) if value.get("tokens") is not None else None
    unknown = _regions(value.get("unknown"), text, where)
    return RawText(name, text, language, where, spans, surfaces, tokens, unknown, key in ("spans", None))


def _annotation_key(value: Mapping[str, Any]) -> str | None:
    """Return the key of an object's annotations: a known one, else one whose value looks like spans."""
    if value.get("spans"):
        return "spans"
    filled = [key for key in ANNOTATION_KEYS if _looks_like_spans(value.get(key))]
    if filled:
        return filled[0]
    known = next((key for key in ANNOTATION_KEYS if key in value and not _is_category(value[key])), None)
    if known is not None:
        return known  # empty: the sentence has no entity, whatever a model guessed under another key
    return next(
        (key for key in value if key not in (*ANNOTATION_KEYS, "tokens") and _looks_like_spans(value[key])), None
    )


def _is_category(value: object) -> bool:
    """Return True for the class of a whole text (``"label": "positive"``), which is no annotation of entities."""
    return isinstance(value, str) or (
        isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)
    )


def _looks_like_spans(value: object) -> bool:
    if not isinstance(value, list) or not value:
        return False
    item = value[0]
    if isinstance(item, Mapping):
        return any(key in item for key in _START_KEYS) and any(key in item for key in _LABEL_KEYS)
    return isinstance(item, list) and len(item) == 3 and _is_offset(item[0]) and _is_offset(item[1])


def _span(item: object, where: str, key: str, account: Account) -> tuple[Span, str | None]:
    """Read ``{"start", "end", "label"}`` or ``[start, end, "label"]``, and the surface where the item names it."""
    surface: str | None = None
    if isinstance(item, list) and len(item) == 3 and _is_offset(item[0]) and _is_offset(item[1]):
        start, end, label = item
    elif isinstance(item, Mapping):
        start, end, label = (first_of(item, keys) for keys in (_START_KEYS, _END_KEYS, _LABEL_KEYS))
        if isinstance(label, list) and len(label) == 1:
            label = label[0]
        covered = first_of(item, _SURFACE_KEYS)
        surface = covered if isinstance(covered, str) else None
        if start is None or end is None or label is None:
            raise DataError(f'{where}: found span {shown(as_json(item))}; {{"start", "end", "label"}} is needed')
        if not _is_offset(start) or not _is_offset(end):
            raise DataError(f"{where}: span {shown(as_json(item))}: start and end must be whole numbers")
    else:
        raise DataError(
            f'{where}: found {shown(as_json(item))} in {key!r}; [start, end, "label"] or '
            f'{{"start", "end", "label"}} is needed'
        )
    if not isinstance(label, str):
        raise DataError(f"{where}: found label {shown(label)}; a text is needed")
    return Span(start, end, clean_name(label, account)), surface


def _is_offset(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _in_characters(raws: Sequence[RawText], path: Path, account: Account) -> None:
    """Turn the offsets of a file into characters where they count UTF-16 units; check surfaces where they are given.

    :raises DataError: a span does not hold the surface that the file gives it, and no rule explains all of them.
    """
    wrong = next((raw for raw in raws if not _surfaces_match(raw)), None)
    by_surface = wrong is not None and all(_surfaces_match(raw) or _utf16_surfaces(raw) for raw in raws)
    if wrong is not None and not by_surface:
        raise DataError(f"{wrong.where}: the text at a span is not what the annotation says; check the offsets")
    # A span whose surface the file gives, and which holds it, is in characters.
    listed = [
        (raw.text, [span[:2] for span, surface in zip(raw.spans, raw.surfaces, strict=True) if surface is None])
        for raw in raws
    ]
    own = all(raw.own for raw in raws)
    if not by_surface and not utf16_explains(listed, in_doubt_characters=own):
        for raw in raws:
            outside = next((span for span in raw.spans if not 0 <= span.start < span.end <= len(raw.text)), None)
            if outside and not raw.text.isascii() and max(raw.text) > "\uffff":
                raise DataError(
                    f"{raw.where}: span {shown(tuple(outside[:2]))} lies outside the text of {len(raw.text)} "
                    "characters; "
                    "the text holds characters beyond U+FFFF (emoji), and not all offsets of the file fit UTF-16 units"
                )
        if not own:
            account["spans_whose_offsets_may_count_utf16"] += sum(_undecided(raw) for raw in raws)
        return
    for raw in raws:
        if raw.text.isascii() or max(raw.text) <= "\uffff":
            continue
        positions = UTF16.positions(raw.text)
        nowhere = len(raw.text) + 1
        raw.spans = [Span(positions.get(s, nowhere), positions.get(e, nowhere), label) for s, e, label in raw.spans]
        if raw.tokens is not None:
            raw.tokens = [(positions.get(start, nowhere), positions.get(end, nowhere)) for start, end in raw.tokens]
        account["offsets_shifted/utf16"] += len(raw.spans)


def _undecided(raw: RawText) -> int:
    """Count the spans of a tool's text in a script without blanks, behind an emoji: nothing tells what they count."""
    if raw.text.isascii() or max(raw.text) <= "\uffff":
        return 0
    return sum(
        surface is None and any(char > "\uffff" for char in raw.text[: span.end]) and is_unspaced(raw.text[span.start])
        for span, surface in zip(raw.spans, raw.surfaces, strict=True)
    )


def _surfaces_match(raw: RawText) -> bool:
    return all(
        surface is None or surface_matches(raw.text, span.start, span.end, surface)
        for span, surface in zip(raw.spans, raw.surfaces, strict=True)
    )


def _utf16_surfaces(raw: RawText) -> bool:
    named = [(span[:2], surface) for span, surface in zip(raw.spans, raw.surfaces, strict=True) if surface is not None]
    rule = rule_for_surfaces(raw.text, [pair for pair, _ in named], [surface for _, surface in named])
    return rule is not None and rule[0].name == UTF16.name


def _has_tags(value: Mapping[str, Any]) -> bool:
    """Return True for an object of tokens as texts, labelled by tags."""
    tokens = value.get("tokens")
    if not isinstance(tokens, list):
        return False
    if "text" not in value:
        return True
    return bool(tokens) and all(isinstance(token, str) for token in tokens) and not value.get("spans")


def _from_tokens(
    value: Mapping[str, Any], name: str, language: str, where: str, account: Account, prefix: str
) -> Sentence | None:
    tokens = listed(value, "tokens", where)
    key = next((key for key in TAG_KEYS if key in value), None)
    tags = value[key] if key is not None else None
    if not isinstance(tags, list) or any(_is_offset(tag) for tag in tags):
        raise DataError(f"{where}: 'ner_tags' must be a list of tags such as 'B-PER' (write integers as names)")
    if len(tags) != len(tokens):
        raise DataError(f"{where}: {len(tokens)} tokens and {len(tags)} tags; equal numbers are needed")
    if "text" in value:
        account["texts_made_from_tokens"] += 1
    texts, kept = without_empty_tokens(token_texts(tokens, account, where), tags, account)
    texts = without_prefix(texts, prefix, account)
    return sentence_from_tags(name, texts, legal_tags(kept, account, where), language, account, where)


def _token_pairs(values: object, where: str) -> list[tuple[int, int]]:
    """Read tokens beside a text: ``[start, end]``, or objects with ``start`` and ``end`` (spaCy, Prodigy)."""
    if not isinstance(values, list):
        raise DataError(f"{where}: 'tokens' must be a list of [start, end] beside 'text'")
    pairs = []
    for token in values:
        pair = [token.get("start"), token.get("end")] if isinstance(token, Mapping) else token
        if not (isinstance(pair, list) and len(pair) == 2 and all(_is_offset(number) for number in pair)):
            raise DataError(f"{where}: token {shown(as_json(token))} is not [start, end]")
        pairs.append((pair[0], pair[1]))
    return pairs


def _token_offsets(pairs: Sequence[tuple[int, int]], text: str, where: str) -> tuple[tuple[int, int], ...]:
    previous = 0
    offsets = []
    for start, end in pairs:
        if not previous <= start < end <= len(text):
            raise DataError(f"{where}: token [{start}, {end}] overlaps, is empty or lies outside the text")
        covered = text[start:end]
        if covered.strip():  # edges as in join_tokens; a token of blanks alone gets no label
            offsets.append((start + len(covered) - len(covered.lstrip()), end - len(covered) + len(covered.rstrip())))
        previous = end
    return tuple(offsets)


def _regions(values: object, text: str, where: str) -> tuple[tuple[int, int], ...]:
    """Read ``unknown``: regions that may hold an entity that was lost, see :class:`harness.values.records.Sentence`."""
    if values is None:
        return ()
    if not isinstance(values, list):
        raise DataError(f"{where}: 'unknown' is {type(values).__name__}; a list of [start, end] is needed")
    regions = []
    for pair in values:
        if not (isinstance(pair, list) and len(pair) == 2 and all(_is_offset(number) for number in pair)):
            raise DataError(f"{where}: 'unknown' holds {shown(as_json(pair))}; [start, end] is needed")
        if not 0 <= pair[0] < pair[1] <= len(text):
            raise DataError(f"{where}: unknown region {shown(pair)} lies outside the text of {len(text)} characters")
        regions.append((pair[0], pair[1]))
    return tuple(regions)
