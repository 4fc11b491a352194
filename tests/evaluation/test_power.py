"""The smallest difference a test set shows, against simulated pairs of systems."""

import numpy as np
import pytest

from harness.evaluation.measures import measure
from harness.evaluation.power import smallest_difference
from harness.evaluation.spans import count_spans
from harness.values.records import Span


def test_it_shrinks_with_the_root_of_the_entities_and_is_one_without_any() -> None:
    assert smallest_difference([4] * 100) == pytest.approx(smallest_difference([4] * 400) * 2)
    assert smallest_difference([0, 0]) == 1.0
    assert smallest_difference([3] * 40, power=0.5) < smallest_difference([3] * 40, power=0.8)


def test_the_sizes_of_the_clinical_tests() -> None:
    """GERNERMED++ gold has 119 entities, MedNERF 406: an independent simulation of systems that agree well found
    differences of 5.5 and 3.4 points with power 0.53 and 0.63 there.
    """
    assert smallest_difference([119], power=0.53, agreement=0.75) == pytest.approx(0.055, abs=0.004)
    assert smallest_difference([406], power=0.63, agreement=0.75) == pytest.approx(0.034, abs=0.003)


def test_simulated_systems_differ_visibly_four_times_in_five() -> None:
    generator = np.random.default_rng(1)
    entities, f1, agreement = 300, 0.8, 0.75
    difference = smallest_difference([1] * entities, f1=f1, agreement=agreement)
    better, worse = f1 + difference / 2, f1 - difference / 2
    both = better * worse + agreement * np.sqrt(better * (1 - better) * worse * (1 - worse))
    chances = [both, better - both, worse - both, 1 - better - worse + both]  # both, first, second, none
    rounds = generator.multinomial(entities, chances, size=2000)  # (rounds, 4)
    only_first, only_second = rounds[:, 1], rounds[:, 2]
    mean = (only_first - only_second) / entities
    error = np.sqrt(((only_first + only_second) / entities - mean**2) / entities)
    assert np.mean(np.abs(mean) > 1.96 * error) == pytest.approx(0.8, abs=0.05)


def test_f1_of_systems_that_predict_as_many_as_there_are_is_the_share_found() -> None:
    gold = [(Span(0, 1, "A"), Span(2, 3, "A")), (Span(0, 1, "A"),)]
    predicted = [(Span(0, 1, "A"), Span(4, 5, "A")), (Span(0, 1, "A"),)]
    assert measure("entity_f1", count_spans(gold, predicted).summed()) == pytest.approx(2 / 3)
