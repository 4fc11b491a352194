"""Counts per sentence survive being stored, hold no text, and give the same figures."""

import json

import numpy as np
import pytest

from harness.evaluation.measures import measures
from harness.evaluation.spans import count_spans
from harness.evaluation.stored import as_object, from_object, from_text
from harness.values.errors import DataError
from harness.values.records import Corpus, Sentence, Span

SENTENCES = (
    Sentence("a", "Anna lives in Rome", "en", (Span(0, 4, "PER"), Span(14, 18, "LOC")), document="Patient-Meier"),
    Sentence("b", "nothing here", "en", document="Patient-Meier"),
    Sentence("c", "Bert is ill", "en", (Span(0, 4, "PER"),), document="other"),
)
CORPUS = Corpus("c", "test", "en", SENTENCES, ("PER", "LOC"))
PREDICTED = [(Span(0, 4, "PER"), Span(5, 10, "LOC")), (), (Span(0, 4, "LOC"),)]


def test_counts_come_back_as_they_were() -> None:
    counts = count_spans([sentence.spans for sentence in SENTENCES], PREDICTED, CORPUS.labels)
    stored = from_object(json.loads(json.dumps(as_object(CORPUS, counts))))
    assert np.array_equal(stored.counts.total, counts.total)
    assert measures(stored.counts, CORPUS.labels) == measures(counts, CORPUS.labels)
    assert stored.digest == CORPUS.digest


def test_no_text_and_no_name_is_stored_and_documents_are_told_apart() -> None:
    counts = count_spans([sentence.spans for sentence in SENTENCES], PREDICTED, CORPUS.labels)
    text = json.dumps(as_object(CORPUS, counts))
    assert not [word for word in ("Anna", "Rome", "Bert", "Meier", "other") if word in text]
    documents = from_text(json.dumps({"test.en": as_object(CORPUS, counts)}))["test.en"].documents
    assert documents[0] == documents[1] != documents[2]


def test_a_column_of_a_later_version_is_passed_over() -> None:
    counts = count_spans([sentence.spans for sentence in SENTENCES], PREDICTED, CORPUS.labels)
    value = as_object(CORPUS, counts)
    value["columns"].append("later")
    value["labels"] = {label: [[*row, 7] for row in rows] for label, rows in value["labels"].items()}
    assert np.array_equal(from_object(value).counts.total, counts.total)


@pytest.mark.parametrize("text", ["", "[]", '{"test.en": {"sentences": 1}}', '{"test.en": 3}'])
def test_what_is_no_such_file_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="not counts as the harness stores them"):
        from_text(text)
