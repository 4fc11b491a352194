import numpy as np
import pytest

from harness.evaluation.measures import mean_over_languages, measure, measures
from harness.evaluation.spans import COLUMN, count_spans
from harness.values.names import MEASURES, MICRO_MEASURES
from harness.values.records import Span


def test_a_ratio_of_nothing_is_zero() -> None:
    nothing = np.zeros(len(COLUMN))
    assert {name: float(measure(name, nothing)) for name in MICRO_MEASURES} == dict.fromkeys(MICRO_MEASURES, 0.0)
    assert measures(count_spans([()], [()], ("A",)), ("A",))["entity_macro_f1"] == 0.0


def test_measures_by_hand() -> None:
    # Gold: A 0-2, B 3-5. Predicted: A 0-2 (exact), A 3-5 (span alone), A 6-8 (spurious).
    gold = [(Span(0, 2, "A"), Span(3, 5, "B"))]
    predicted = [(Span(0, 2, "A"), Span(3, 5, "A"), Span(6, 8, "A"))]
    values = measures(count_spans(gold, predicted, ("A", "B")), ("A", "B"))
    assert values["entity_f1"] == pytest.approx(2 * 1 / (2 + 3))
    assert values["span_f1"] == pytest.approx(2 * 2 / (2 + 3))
    assert values["span_precision"] == pytest.approx(2 / 3)
    assert values["span_recall"] == 1.0
    assert values["span_accuracy"] == pytest.approx(2 / 3)
    assert values["label_accuracy"] == pytest.approx(1 / 2)
    assert values["B/entity_recall"] == 0.0


def test_an_empty_label_has_no_score_and_enters_no_mean() -> None:
    gold, predicted = [(Span(0, 2, "A"),)], [(Span(0, 2, "A"), Span(3, 5, "C"))]
    values = measures(count_spans(gold, predicted, ("A", "B", "C")), ("A", "B", "C"))
    assert "B/entity_f1" not in values
    assert values["C/entity_f1"] == 0.0  # predicted, never gold: an error and no empty cell
    assert values["entity_macro_f1"] == 0.5
    assert values["empty_labels"] == 1.0


def test_the_mean_is_over_languages() -> None:
    low, high = dict.fromkeys(MEASURES, 0.5), dict.fromkeys(MEASURES, 1.0)
    languages = {"sv": {**high, "empty_labels": 0.0}, "sw": {**low, "empty_labels": 2.0}}
    assert mean_over_languages(languages) == {**dict.fromkeys(MEASURES, 0.75), "empty_labels": 2.0}
    assert mean_over_languages({}) == {}


def test_the_mean_of_a_label_is_over_the_languages_that_have_it() -> None:
    plain = {**dict.fromkeys(MEASURES, 0.5), "empty_labels": 0.0}
    languages = {
        "sv": {**plain, "PER/entity_f1": 0.8},
        "sw": {**plain, "empty_labels": 1.0},
        "de": {**plain, "PER/entity_f1": 0.4},
    }
    means = mean_over_languages(languages)
    assert means["PER/entity_f1"] == pytest.approx(0.6)
    assert means["empty_labels"] == 1.0
