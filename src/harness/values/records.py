"""The values that travel between the stages: spans, sentences, corpora, parallel pairs.

A :class:`Span` is half-open CHARACTER offsets into the untouched text, the only truth about an entity.
Tokens and BIO tags are derived views (Chinese has no blanks; translation changes tokens). All values
are frozen; constructors refuse what could not be an annotation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple

from harness.values.errors import DataError


class Origin(StrEnum):
    """Where the labels of a corpus come from."""

    GOLD = "gold"
    TRANSLATED = "translated"
    SYNTHETIC = "synthetic"
    PREDICTED = "predicted"


class Span(NamedTuple):
    """An entity: ``text[start:end]`` has ``label``. Offsets count characters (code points), end exclusive."""

    start: int
    end: int
    label: str


CorpusKey = tuple[str, str]
"""Language and split: what a corpus of a card is known by."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One text with its entities.

    :param id: unique in its corpus.
    :param text: the untouched text.
    :param language: BCP-47 tag.
    :param spans: sorted, non-overlapping, never empty, no blank at an edge.
    :param tokens: half-open character offsets of the tokens the corpus came with, or ``None`` for raw text.
    :param unknown: half-open character offsets where an entity may stand that was lost; training passes over them.
    :param document: name of the document it is part of, where the source has one.
    :raises DataError: a span is empty, outside the text, overlapping, or begins or ends with a blank.
    """

    id: str
    text: str
    language: str
    spans: tuple[Span, ...] = ()
    tokens: tuple[tuple[int, int], ...] | None = None
    unknown: tuple[tuple[int, int], ...] = ()
    document: str = ""

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.spans))
        object.__setattr__(self, "spans", ordered)
        previous: Span | None = None
        for span in ordered:
            fault = span_fault(self.text, span, previous)
            if fault:
                # Without the surface: of a restricted corpus no message may hold text.
                raise DataError(f"sentence {self.id}: span {span.start}-{span.end} {fault.partition(':')[0]}")
            previous = span

    def surface(self, span: Span) -> str:
        """Return the characters a span covers."""
        return self.text[span.start : span.end]

    def with_spans(self, spans: Iterable[Span]) -> Sentence:
        """Return the same sentence with other spans."""
        return Sentence(self.id, self.text, self.language, tuple(spans), self.tokens, self.unknown, self.document)


def span_fault(text: str, span: Span, previous: Span | None) -> str:
    """Say in a few words what is wrong with a span, or return an empty string.

    :param previous: the span before it in order of start, against which overlap is checked.
    """
    if span.start < 0 or span.end > len(text):
        return f"lies outside the text of {len(text)} characters"
    if span.start >= span.end:
        return "is empty"
    if text[span.start].isspace() or text[span.end - 1].isspace():
        return f"begins or ends with a blank: {text[span.start : span.end]!r}"
    if previous is not None and span.start < previous.end:
        return f"overlaps {previous.start}-{previous.end} {previous.label}"
    return ""


@dataclass(frozen=True)
class Corpus:
    """Sentences of one language and split.

    :param labels: the labels a model of this corpus must know, in the order of the card. A span with
        another label is refused.
    :param account: what the reader dropped, cut, repaired or merged, by reason; all zero for a clean file.
    """

    name: str
    split: str
    language: str
    sentences: tuple[Sentence, ...]
    labels: tuple[str, ...]
    origin: Origin = Origin.GOLD
    account: Mapping[str, int] = field(default_factory=dict)
    restricted: bool = False

    def __post_init__(self) -> None:
        unknown = self.label_counts.keys() - set(self.labels)
        if unknown:
            raise DataError(
                f"{self.name} {self.language}.{self.split}: found labels {sorted(unknown)}, "
                f"allowed {list(self.labels)}; map or drop them with label_map in the data card"
            )

    def __len__(self) -> int:
        return len(self.sentences)

    @cached_property
    def label_counts(self) -> Counter[str]:
        """Entities per label."""
        return Counter(span.label for sentence in self.sentences for span in sentence.spans)

    @property
    def entities(self) -> int:
        """Number of entities."""
        return sum(self.label_counts.values())

    @cached_property
    def digest(self) -> str:
        """A 16-digit fingerprint of language, texts, tokens and spans, in order; names do not enter."""
        state = blake2b(digest_size=8)
        for sentence in self.sentences:
            state.update(repr((sentence.language, sentence.text, sentence.tokens, sentence.spans)).encode())
            if sentence.unknown:
                state.update(repr(sentence.unknown).encode())
        return state.hexdigest()
