"""Projection rule by rule, and the properties that must hold for any links."""

import pytest

from harness.config import ProjectionCard
from harness.machine.store import MemoryStore
from harness.transfer.align.contract import Links, WordPair
from harness.transfer.projection.spans import fate_counts
from harness.transfer.routes import Means, back_route, carry_training
from harness.values.errors import DataError
from harness.values.records import Corpus, Sentence, Span
from tests.transfer.project_cases import labelled


class Diagonal:
    """Links word N to word N."""

    identity: dict[str, object] = {"kind": "diagonal"}  # noqa: RUF012
    learns = by_line = reads_texts = False

    def align(self, pairs: list[WordPair]) -> list[Links]:
        return [{(n, n): 1.0 for n in range(min(len(p.source), len(p.target)))} for p in pairs]


def training(*sentences: Sentence) -> Corpus:
    numbered = [Sentence(str(n), s.text, s.language, s.spans, s.tokens) for n, s in enumerate(sentences)]
    return Corpus("toy", "train", "en", tuple(numbered), ("PER", "LOC"))


CORPUS = training(
    labelled("Anna saw Rome", "Anna/PER", "Rome/LOC"), labelled("Bert left", "Bert/PER"), labelled("nobody came"),
    labelled("Carla slept", "Carla/PER"),
)  # fmt: skip


TRANSLATIONS = ["Ana vio Roma", "", "nadie vino", "durmió"]


def means(rules: ProjectionCard) -> Means:
    return Means(Diagonal(), rules, MemoryStore())  # type: ignore[arg-type]


@pytest.mark.parametrize(("lost", "kept"), [("keep", 3), ("drop", 3), ("mask", 3)])
def test_a_training_set_is_carried_over_with_its_account(lost: str, kept: int) -> None:
    carried = carry_training(CORPUS, "es", TRANSLATIONS, means(ProjectionCard(lost=lost)))  # type: ignore[arg-type]
    metrics = carried.metrics()
    assert (metrics["source"], metrics["projected"], metrics["dropped"]) == (4, 3, 1)
    assert metrics["dropped/untranslated"] == metrics["without_translation"] == 1
    assert len(carried.corpus) == kept
    assert carried.corpus.sentences[0].spans == (Span(0, 3, "PER"), Span(8, 12, "LOC"))


def test_sentences_that_lost_an_entity_are_kept_dropped_or_masked() -> None:
    class Nothing(Diagonal):
        identity: dict[str, object] = {"kind": "nothing"}  # noqa: RUF012
        learns = by_line = reads_texts = False

        def align(self, pairs: list[WordPair]) -> list[Links]:
            return [{} for _ in pairs]

    corpus = training(labelled("Anna saw Rome", "Anna/PER"), labelled("nobody came"))
    found = {
        lost: carry_training(
            corpus, "es", ["Ana vio Roma", "nadie vino"], Means(Nothing(), ProjectionCard(lost=lost), MemoryStore())
        )  # type: ignore[arg-type]
        for lost in ("keep", "drop", "mask")
    }
    assert [len(found[lost].corpus) for lost in ("keep", "drop", "mask")] == [2, 1, 2]
    assert found["drop"].counts["dropped_sentences"] == 1
    assert found["mask"].corpus.sentences[0].unknown == ((0, 3), (4, 7), (8, 12))
    assert found["keep"].corpus.sentences[0].unknown == ()


def test_markers_are_counted_and_fall_back_to_links() -> None:
    def translate(texts: list[str]) -> tuple[list[str], dict[str, int]]:
        known = {"[Anna] saw [Rome]": "[Ana] vio [Roma]", "[Bert] left": "Berto partió", "Anna": "Ana", "Rome": "Roma",
                 "Bert": "Berto", "[Carla] slept": "[Carla] durmió", "Carla": "Carla"}  # fmt: skip
        return [known[text] for text in texts], {}

    texts = ["Ana vio Roma", "Berto partió", "nadie vino", "Carla durmió"]
    rules = ProjectionCard(markers="brackets")
    carried = carry_training(CORPUS, "es", texts, means(rules), translate=translate)  # type: ignore[arg-type]
    counts = carried.counts
    assert (counts["markers_kept"], counts["markers_broken"], counts["markers_impossible"]) == (2, 1, 0)
    assert fate_counts(carried.account)["marked"] == 3
    assert carried.account.sum_of("projected") == 4
    assert [s.surface(s.spans[0]) for s in carried.corpus.sentences if s.spans] == ["Ana", "Berto", "Carla"]


def test_predictions_come_back_onto_the_untouched_text() -> None:
    test = Corpus("toy", "test", "es", (Sentence("1", "Ana  vio Roma", "es"), Sentence("2", "x", "es")), ("PER", "LOC"))
    route = back_route(test, "en", ["Anna saw Rome", ""], means(ProjectionCard()))
    assert [sentence.text for sentence in route.translated] == ["Anna saw Rome", ""]
    spans, counts = route.back([(Span(0, 4, "PER"), Span(9, 13, "LOC")), ()])
    assert spans == [(Span(0, 3, "PER"), Span(9, 13, "LOC")), ()]
    assert (counts["projected"], counts["without_translation"]) == (2, 1)
    with pytest.raises(DataError, match=r"has 2 sentences and 1 translations"):
        back_route(test, "en", ["Anna saw Rome"], means(ProjectionCard()))
