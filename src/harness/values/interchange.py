"""THE JSON form of a sentence, both ways: ``{"id", "text", "language", "spans", "tokens", "unknown", "document"}``.

``spans`` are objects with half-open character offsets and a label; ``tokens`` (pairs of offsets), ``unknown`` (regions
that may hold an entity that was lost) and ``document`` are there where the sentence has them. Corpora, predictions,
projected and synthetic sentences are all written here; the reader of JSON lines takes anybody's spellings besides.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.values.errors import DataError
from harness.values.records import Sentence, Span


def as_object(sentence: Sentence, *, tokens: bool = True) -> dict[str, Any]:
    """Return the JSON object of a sentence.

    :param tokens: leave token offsets out without it.
    """
    value: dict[str, Any] = {
        "id": sentence.id,
        "text": sentence.text,
        "language": sentence.language,
        "spans": spans_as_objects(sentence.spans),
    }
    if tokens and sentence.tokens is not None:
        value["tokens"] = sentence.tokens
    if sentence.unknown:
        value["unknown"] = sentence.unknown
    if sentence.document:
        value["document"] = sentence.document
    return value


def spans_as_objects(
    spans: Sequence[Span], text: str | None = None, scores: Sequence[float] | None = None
) -> list[dict[str, Any]]:
    """Return the JSON objects of spans.

    :param text: adds what the spans say, ``text``.
    :param scores: adds the probability of each, ``score``, to four digits.
    """
    objects: list[dict[str, Any]] = [{"start": span.start, "end": span.end, "label": span.label} for span in spans]
    for number, (value, span) in enumerate(zip(objects, spans, strict=True)):
        if text is not None:
            value["text"] = text[span.start : span.end]
        if scores is not None:
            value["score"] = round(scores[number], 4)
    return objects


def tagged_lines(sentences: Sequence[Sentence], scores: Sequence[Sequence[float]] | None) -> str:
    """Return JSON lines for whoever reads predictions: each span with its text and, where there is one, its score."""
    lines = []
    for number, sentence in enumerate(sentences):
        found = spans_as_objects(sentence.spans, sentence.text, scores[number] if scores is not None else None)
        lines.append(json.dumps({**as_object(sentence), "spans": found}, ensure_ascii=False) + "\n")
    return "".join(lines)


def as_lines(sentences: Iterable[Sentence], *, tokens: bool = True) -> str:
    """Return JSON lines, one sentence a line."""
    return "".join(json.dumps(as_object(sentence, tokens=tokens), ensure_ascii=False) + "\n" for sentence in sentences)


def with_predictions(sentences: Sequence[Sentence], predicted: Sequence[Sequence[Span]]) -> list[Sentence]:
    """Return sentences with predicted spans in place of their own; nothing in them is unknown any more."""
    return [
        replace(sentence, spans=tuple(spans), unknown=()) for sentence, spans in zip(sentences, predicted, strict=True)
    ]


def from_object(value: Mapping[str, Any]) -> Sentence:
    """Return the sentence of an object that :func:`as_object` made.

    :raises DataError: it is another's.
    """
    try:
        spans = tuple(Span(span["start"], span["end"], span["label"]) for span in value["spans"])
        tokens = value.get("tokens")
        offsets = tuple((start, end) for start, end in tokens) if tokens is not None else None
        unknown = tuple((start, end) for start, end in value.get("unknown", ()))
        document = value.get("document", "")
        return Sentence(value["id"], value["text"], value["language"], spans, offsets, unknown, document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"not a sentence as the harness writes it ({type(error).__name__}: {error})") from error


def from_lines(text: str) -> list[Sentence]:
    """Return the sentences of :func:`as_lines`.

    Only a line feed ends a line: U+2028 or U+0085 are in sentences of web text.
    """
    return [from_object(json.loads(line)) for line in text.split("\n") if line]
