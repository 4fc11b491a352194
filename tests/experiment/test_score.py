from collections.abc import Sequence

from harness.experiment.score import score_corpus
from harness.model.recogniser import Predictions
from harness.values.account import Account
from harness.values.records import Corpus, Sentence, Span

SENTENCES = (
    Sentence("1", "anna bor", "sv", (Span(0, 4, "PER"),)),
    Sentence("2", "i lund", "sv", (Span(2, 6, "LOC"),)),
)
CORPUS = Corpus("toy", "test", "sv", SENTENCES, ("PER", "LOC"))


class Prompted:
    """A recogniser that is no network: scoring knows nothing but the contract."""

    identity = "prompted"

    def predict(self, sentences: Sequence[Sentence]) -> Predictions:
        return Predictions([sentences[0].spans, ()], Account({"refused": 1}))


def test_any_recogniser_is_scored() -> None:
    scored = score_corpus(Prompted(), CORPUS, seed=1)
    assert scored.measures["entity_recall"] == 0.5 and scored.measures["entity_precision"] == 1.0
    assert scored.measures["refused"] == 1.0
    assert scored.measures["entity_f1_low"] <= scored.measures["entity_f1"] <= scored.measures["entity_f1_high"]
