"""What scoring knows of a model: sentences in, spans out.

A trained network is one recogniser, translate-test is one around another. Later kinds (GLiNER, a prompted language
model, an ensemble) need nothing but these two types.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from harness.values.account import Account
from harness.values.records import Sentence, Span


@dataclass(frozen=True)
class Predictions:
    """The spans of some sentences, in order.

    :param spans: of each sentence.
    :param account: what the recogniser could not see: ``windowed_sentences``, ``unseen_words``.
    :param scores: probability of each span, 0..1; nothing where the recogniser gives none.
    :param projection: of spans that were carried from another text: what became of them, by name.
    :param tagged: that other text with the spans that were found in it.
    """

    spans: list[tuple[Span, ...]]
    account: Account
    scores: list[tuple[float, ...]] | None = None
    projection: Mapping[str, float] = field(default_factory=dict)
    tagged: tuple[Sentence, ...] = ()


class Recogniser(Protocol):
    """Anything that finds entities."""

    @property
    def identity(self) -> str:
        """What its predictions depend on besides the sentences."""
        ...

    def predict(self, sentences: Sequence[Sentence]) -> Predictions:
        """Return the entities of each sentence; sentences of any length, also empty ones."""
        ...


class Route(Protocol):
    """A test set in translation and the way back, see :class:`harness.transfer.routes.BackRoute`."""

    @property
    def translated(self) -> tuple[Sentence, ...]:
        """The sentences to tag, in the source language."""
        ...

    def back(self, predicted: Sequence[Sequence[Span]]) -> tuple[list[tuple[Span, ...]], dict[str, float]]:
        """Project predicted spans onto the test text."""
        ...


@dataclass(frozen=True)
class ThroughTranslation:
    """Translate-test: a recogniser of the source language that tags a test set's translation.

    :param route: of the one corpus this recogniser can tag.
    """

    recogniser: Recogniser
    route: Route

    @property
    def identity(self) -> str:
        """What its predictions depend on besides the sentences."""
        return f"{self.recogniser.identity} through translation"

    def predict(self, sentences: Sequence[Sentence]) -> Predictions:
        """Return the entities of the route's test set.

        :param sentences: the test set, in its order.
        """
        translated = self.route.translated
        if [sentence.id for sentence in sentences] != [sentence.id for sentence in translated]:
            raise ValueError("a route leads back to its own test set only")
        tagged = self.recogniser.predict(translated)
        spans, fates = self.route.back(tagged.spans)
        between = tuple(sentence.with_spans(found) for sentence, found in zip(translated, tagged.spans, strict=True))
        return Predictions(spans, tagged.account, projection=fates, tagged=between)
