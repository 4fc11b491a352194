from collections.abc import Sequence

import pytest

from harness.model.recogniser import Predictions, ThroughTranslation
from harness.values.account import Account
from harness.values.records import Sentence, Span


class Tagger:
    identity = "tagger"

    def predict(self, sentences: Sequence[Sentence]) -> Predictions:
        return Predictions([(Span(0, 4, "PER"),) for _ in sentences], Account({"windowed_sentences": 1}))


class Back:
    """A way back that moves every span by one."""

    translated = (Sentence("1", "anna lives", "en"),)

    def back(self, predicted: Sequence[Sequence[Span]]) -> tuple[list[tuple[Span, ...]], dict[str, float]]:
        moved = [tuple(Span(span.start + 1, span.end + 1, span.label) for span in spans) for spans in predicted]
        return moved, {"projected": 1.0}


def test_translate_test_is_a_recogniser_around_another() -> None:
    through = ThroughTranslation(Tagger(), Back())
    predictions = through.predict([Sentence("1", "bor anna", "sv")])
    assert predictions.spans == [(Span(1, 5, "PER"),)]
    assert predictions.projection == {"projected": 1.0} and predictions.account == {"windowed_sentences": 1}
    assert through.identity == "tagger through translation"
    with pytest.raises(ValueError, match="its own test set only"):
        through.predict([Sentence("2", "x", "sv")])
