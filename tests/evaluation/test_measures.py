import numpy as np
import pytest

from harness.evaluation.measures import mean_over_languages, measure, measures
from harness.evaluation.spans import COLUMN, count_spans
from harness.values.names import MEASURES
from harness.values.records import Span


def test_a_ratio_of_nothing_is_zero() -> None:
    nothing = np.zeros(len(COLUMN))
    assert {name: float(measure(name, nothing)) for name in MEASURES} == dict.fromkeys(MEASURES, 0.0)


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


def test_the_mean_is_over_languages() -> None:
    one, other = dict.fromkeys(MEASURES, 1.0), dict.fromkeys(MEASURES, 0.5)
    assert mean_over_languages({"sv": one, "sw": other}) == dict.fromkeys(MEASURES, 0.75)
    assert mean_over_languages({}) == {}
