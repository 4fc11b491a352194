"""JSON lines: the interchange format, and doccano's offset lists (the GERNERMED++ gold file).

Interchange: ``{"id", "text", "language", "spans": [{"start", "end", "label"}], "tokens": [[start, end]]}``;
``id``, ``language`` and ``tokens`` may be missing. Objects with ``tokens`` (strings) and ``ner_tags`` (strings)
instead of text and spans are read too. doccano: ``{"text", "label": [[start, end, "Label"]]}`` (also ``labels``,
``entities``). Offsets are characters, end exclusive.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.corpora.readers.conll import join_tokens, without_blank_tokens
from harness.corpora.readers.reading import Reading, clean_spans, clean_text, read_text, split_lines
from harness.errors import DataError
from harness.labels import is_legal_tag, spans_from_tags
from harness.languages import normalise_language
from harness.records import Sentence, Span


def json_objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line number and object of every non-blank line; of a file that is one JSON array, number and item.

    :raises DataError: a line is not a JSON object.
    """
    text = read_text(path)
    if text.lstrip().startswith("["):
        yield from _array(path, text)
        return
    for number, line in enumerate(split_lines(text), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path}:{number}: not JSON ({error.msg} at column {error.colno})") from error
        if not isinstance(value, dict):
            raise DataError(f"{path}:{number}: found {type(value).__name__}, a JSON object is needed")
        yield number, value


def _array(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: not JSON ({error.msg} at column {error.colno})") from error
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise DataError(f"{path}: item {number} is {type(value).__name__}, a JSON object is needed")
        yield number, value


def read_jsonl(path: Path, language: str) -> Reading:
    """Read the interchange format.

    :param language: used where an object names none.
    """
    account: Counter[str] = Counter()
    sentences = []
    for number, value in json_objects(path):
        where = f"{path}:{number}"
        own = value.get("language")
        spoken = normalise_language(str(own)) if own else language
        if "text" not in value and "tokens" in value:
            sentences.append(_from_tokens(value, str(value.get("id", number)), spoken, where, account))
            continue
        text = clean_text(_text(value, where), account)
        spans = [_span(item, where) for item in _list(value, "spans", where)]
        tokens = _token_offsets(value["tokens"], text, where) if value.get("tokens") is not None else None
        sentences.append(
            Sentence(str(value.get("id", number)), text, spoken, clean_spans(text, spans, account, where), tokens)
        )
    return Reading(tuple(sentences), account)


def read_doccano(path: Path, language: str) -> Reading:
    """Read doccano-style offset lists; label names are kept as they are (map them in the card)."""
    account: Counter[str] = Counter()
    sentences = []
    for number, value in json_objects(path):
        where = f"{path}:{number}"
        text = clean_text(_text(value, where), account)
        key = next((name for name in ("label", "labels", "entities") if name in value), "label")
        spans = []
        for item in _list(value, key, where):
            if isinstance(item, Mapping):  # doccano's relation export
                item = [item.get("start_offset"), item.get("end_offset"), item.get("label")]
            if not isinstance(item, list) or len(item) != 3 or not _is_offset(item[0]) or not _is_offset(item[1]):
                raise DataError(f'{where}: found {json.dumps(item)} in {key!r}; [start, end, "label"] is needed')
            spans.append(Span(item[0], item[1], str(item[2])))
        sentences.append(
            Sentence(str(value.get("id", number)), text, language, clean_spans(text, spans, account, where))
        )
    return Reading(tuple(sentences), account)


def _from_tokens(value: Mapping[str, Any], name: str, language: str, where: str, account: Counter[str]) -> Sentence:
    tokens, tags = _list(value, "tokens", where), value.get("ner_tags", value.get("tags"))
    if not isinstance(tags, list) or not all(isinstance(tag, str) and is_legal_tag(tag) for tag in tags):
        raise DataError(f"{where}: 'ner_tags' must be a list of tags such as 'B-PER' (write integers as names)")
    if len(tags) != len(tokens) or not all(isinstance(token, str) and token for token in tokens):
        raise DataError(f"{where}: {len(tokens)} tokens and {len(tags)} tags; equal numbers of non-empty tokens needed")
    tokens, tags = without_blank_tokens(tokens, tags, account)
    text, offsets = join_tokens([clean_text(token, account) for token in tokens])
    return Sentence(name, text, language, clean_spans(text, spans_from_tags(tags, offsets), account, where), offsets)


def _text(value: Mapping[str, Any], where: str) -> str:
    text = value.get("text")
    if not isinstance(text, str):
        raise DataError(f"{where}: 'text' is {'missing' if text is None else type(text).__name__}; a string is needed")
    return text


def _list(value: Mapping[str, Any], key: str, where: str) -> list[Any]:
    items = value.get(key, [])
    if not isinstance(items, list):
        raise DataError(f"{where}: {key!r} is {type(items).__name__}; a list is needed")
    return items


def _span(item: object, where: str) -> Span:
    if not isinstance(item, Mapping) or not {"start", "end", "label"} <= item.keys():
        raise DataError(f'{where}: found span {json.dumps(item)}; {{"start", "end", "label"}} is needed')
    if not _is_offset(item["start"]) or not _is_offset(item["end"]):
        raise DataError(f"{where}: span {json.dumps(item)}: start and end must be whole numbers")
    return Span(item["start"], item["end"], str(item["label"]))


def _is_offset(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _token_offsets(values: object, text: str, where: str) -> tuple[tuple[int, int], ...]:
    if not isinstance(values, list):
        raise DataError(f"{where}: 'tokens' must be a list of [start, end] beside 'text'")
    previous = 0
    offsets = []
    for pair in values:
        if not (isinstance(pair, list) and len(pair) == 2 and all(_is_offset(number) for number in pair)):
            raise DataError(f"{where}: token {json.dumps(pair)} is not [start, end]")
        start, end = pair
        if not previous <= start < end <= len(text):
            raise DataError(f"{where}: token [{start}, {end}] overlaps, is empty or lies outside the text")
        covered = text[start:end]
        if covered.strip():  # edges as in join_tokens; a token of blanks alone gets no label
            offsets.append((start + len(covered) - len(covered.lstrip()), end - len(covered) + len(covered.rstrip())))
        previous = end
    return tuple(offsets)
