import numpy as np
import pytest
from scipy import stats

from harness.evaluation.measures import measure
from harness.evaluation.significance import bootstrap_interval, paired_permutation
from harness.evaluation.spans import count_spans
from harness.values.records import Span

YES, NO = [Span(0, 1, "X")], []


def system(hits: int, misses: int):  # type: ignore[no-untyped-def]
    return count_spans([YES] * (hits + misses), [YES] * hits + [NO] * misses)


def test_the_interval_agrees_with_scipys_percentile_bootstrap() -> None:
    counts = system(60, 40)
    ours = bootstrap_interval(counts, "entity_recall", seed=1, resamples=4000)
    sample = (np.r_[np.ones(60), np.zeros(40)],)
    theirs = stats.bootstrap(sample, np.mean, method="percentile", n_resamples=4000, rng=1).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_the_interval_holds_the_figure_and_repeats_with_its_seed() -> None:
    counts = system(30, 70)
    first, second = (bootstrap_interval(counts, "entity_f1", seed=3) for _ in range(2))
    assert first == second
    assert first.low < float(measure("entity_f1", counts.summed())) < first.high


def test_an_empty_test_set_has_an_empty_interval() -> None:
    assert bootstrap_interval(count_spans([], []), "entity_f1", seed=1).high == 0.0


def test_equal_systems_do_not_differ_and_unequal_ones_do() -> None:
    same = paired_permutation(system(50, 50), system(50, 50), "entity_recall", seed=1)
    assert (same.difference, same.p_value) == (0.0, 1.0)
    other = paired_permutation(system(80, 20), system(50, 50), "entity_recall", seed=1, permutations=2000)
    assert other.difference == pytest.approx(0.3)
    # 30 discordant sentences, all one way: two-sided sign test p = 2 / 2**30.
    assert other.p_value == pytest.approx(1 / 2001)


def test_the_p_value_agrees_with_an_exact_sign_test() -> None:
    # 8 sentences only the first finds, 3 only the second: recall differences are sign flips.
    first = count_spans([YES] * 20, [YES] * 8 + [NO] * 3 + [YES] * 9)
    second = count_spans([YES] * 20, [NO] * 8 + [YES] * 3 + [YES] * 9)
    found = paired_permutation(first, second, "entity_recall", seed=2, permutations=20000)
    assert found.p_value == pytest.approx(stats.binomtest(8, 11).pvalue, abs=0.02)


def test_systems_on_other_sentences_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="must tag the same"):
        paired_permutation(system(1, 1), system(1, 2), "entity_f1", seed=1)
