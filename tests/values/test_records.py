import pytest

from harness.values.errors import DataError
from harness.values.records import Corpus, Sentence, Span


def test_sentence_sorts_its_spans() -> None:
    sentence = Sentence("1", "Anna in Rome", "en", (Span(8, 12, "LOC"), Span(0, 4, "PER")))
    assert [sentence.surface(span) for span in sentence.spans] == ["Anna", "Rome"]


@pytest.mark.parametrize(
    ("spans", "fault"),
    [
        ([Span(0, 0, "PER")], "is empty"),
        ([Span(0, 99, "PER")], "outside the text of 12 characters"),
        ([Span(-1, 2, "PER")], "outside the text"),
        ([Span(0, 5, "PER")], "begins or ends with a blank"),
        ([Span(0, 4, "PER"), Span(2, 7, "LOC")], "overlaps 0-4 PER"),
    ],
)
def test_sentence_refuses_what_is_no_annotation(spans: list[Span], fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        Sentence("1", "Anna in Rome", "en", tuple(spans))


def test_corpus_refuses_labels_it_does_not_list() -> None:
    with pytest.raises(DataError, match=r"labels \['LOC'\], allowed \['PER'\]"):
        Corpus("x", "test", "en", (Sentence("1", "Rome", "en", (Span(0, 4, "LOC"),)),), ("PER",))


def test_digest_depends_on_text_and_spans_and_not_on_names() -> None:
    def corpus(name: str, label: str) -> Corpus:
        return Corpus(name, "test", "en", (Sentence("1", "Rome", "en", (Span(0, 4, label),)),), ("PER", "LOC"))

    assert corpus("a", "LOC").digest == corpus("b", "LOC").digest != corpus("a", "PER").digest
