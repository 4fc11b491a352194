"""Projection rule by rule, and the properties that must hold for any links."""

from harness.config import ProjectionCard
from harness.machine.store import MemoryStore
from harness.transfer.align.contract import Links, WordPair
from harness.transfer.parallel import align_corpora
from harness.transfer.projection.function_words import frequent_words, function_words
from harness.values.records import Sentence, Span
from tests.transfer.project_cases import labelled, surfaces


def test_frequent_words_need_a_corpus() -> None:
    assert frequent_words([["de", "la", "casa"]] * 3) == frozenset()
    words = [["de", f"word{number}", f"other{number}"] for number in range(500)]
    assert frequent_words(words) == {"de"}


def test_frequent_words_of_entities_are_no_function_words() -> None:
    seen: list[tuple[str, bool | None]] = [("Days,", True), ("days", False), ("of", True), *[("of", False)] * 9]
    rare: list[tuple[str, bool | None]] = [("les", True), *[("les", None)] * 9]  # one link in ten tells nothing
    assert function_words(frozenset({"days", "of", "les", "unseen"}), seen + rare) == {"of", "les", "unseen"}


class Given:
    """An aligner whose links are given: the first for the first pair, the second for all others."""

    identity: dict[str, object] = {}  # noqa: RUF012
    learns, by_line, reads_texts = True, False, False

    def __init__(self, first: Links, others: Links) -> None:
        self._first, self._others = first, others

    def align(self, pairs: list[WordPair]) -> list[Links]:
        return [self._first] + [self._others] * (len(pairs) - 1)


def test_the_words_of_a_narrow_domain_are_carried_with_their_neighbours() -> None:
    """'siku' (days) has no link in one pair; it is as frequent as a function word, but elsewhere in entities."""
    gold, plain = labelled("take 5 days of rest", "5 days/X"), labelled("take 5 days of rest")
    target = Sentence("1", "pumzika siku 5 za", "sw")
    aligner = Given({(0, 0): 1.0, (1, 2): 1.0}, {(0, 0): 1.0, (1, 2): 1.0, (2, 1): 1.0, (3, 3): 1.0})

    def found(annotated: Sentence, spans: tuple[Span, ...]) -> list[str]:
        parallel = align_corpora(aligner, [plain], [target], MemoryStore(), more=[(annotated, target)] * 300)
        return surfaces(target.text, parallel.project([spans], ProjectionCard())[0])

    assert found(gold, gold.spans) == ["siku 5"]
    # What is known of words comes from the annotated pairs, never from what is predicted on the sentences themselves.
    assert found(plain, gold.spans) == ["5"]
