import numpy as np
import pytest

from harness.evaluation.resampling import draw
from harness.evaluation.verdicts import difference, holm, noise_floor, p_value, places, variance_shares
from tests.evaluation.test_resampling import counts, of_seeds, simulated


def test_holm_is_as_written_out() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.9 times 4, 3, 2, 1: 0.04, 0.06, 0.06 (no less than the one before), 0.9.
    assert holm([0.03, 0.01, 0.9, 0.02]) == pytest.approx([0.06, 0.04, 0.9, 0.06])
    assert holm([]) == [] and holm([0.6, 0.7]) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [
        (((80, 81, 82), (60, 61, 62)), "better"),
        (((60, 61, 62), (80, 81, 82)), "worse"),
        (((70, 71, 72), (70, 71, 72)), "equal"),
        (((60, 80, 70), (62, 70, 80)), "undecided"),
    ],
)
def test_verdicts_are_of_the_whole_interval(shares: tuple[tuple[int, ...], ...], verdict: str) -> None:
    first, second = draw([of_seeds(name, *part) for name, part in zip("ab", shares, strict=True)], "entity_f1")
    found = difference(first, second, region=0.01)
    assert found.verdict == verdict
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.value == pytest.approx(first.mean - second.mean)


def test_a_sure_difference_inside_the_region_is_higher_and_not_better() -> None:
    first, second = draw([of_seeds("a", 7, 8, 9), of_seeds("b", 6, 7, 8)], "entity_f1")
    assert difference(first, second, region=0.5).verdict == "equal"
    wide = draw([of_seeds("a", 9, 7, 8), of_seeds("b", 7, 6, 6)], "entity_f1")  # t test: 0.02 to 0.31
    assert difference(*wide, region=0.1).verdict == "higher"
    assert difference(*wide[::-1], region=0.1).verdict == "lower"


def test_one_seed_has_no_verdict_and_says_what_it_covers() -> None:
    first, second = draw([of_seeds("a", 9), of_seeds("b", 2)], "entity_f1")
    found = difference(first, second)
    assert (found.verdict, found.covers) == ("one seed", ("sentences",))


def test_places_tie_what_cannot_be_told_apart() -> None:
    systems = draw([of_seeds("a", 80, 81, 82), of_seeds("b", 79, 83, 80), of_seeds("c", 20, 21, 19)], "entity_f1")
    found = places(systems)
    assert [place.group for place in found] == [1, 1, 2]
    assert found[2].ranks == (3, 3) and found[2].best == 0
    assert found[0].best + found[1].best == pytest.approx(1, abs=0.02)
    assert places(draw([of_seeds("a", 5)], "entity_f1"))[0].group == 0, "one seed: no verdict"
    same = places(draw([of_seeds(name, 5, 6) for name in "ab"], "entity_f1"))
    assert [place.ranks for place in same] == [(1, 1), (1, 1)], "equals share the better rank"


def test_a_row_that_cannot_be_told_from_the_best_is_not_beaten() -> None:
    """The second is surely below the first; the third, lower and wide, is not: it is in a later group, but not beaten."""
    systems = draw([of_seeds("a", 80, 81, 82), of_seeds("b", 70, 71, 72), of_seeds("c", 30, 90, 85)], "entity_f1")
    assert [place.beaten for place in places(systems)] == [False, True, False]


def test_the_noise_floor_is_the_spread_of_two_seeds() -> None:
    # Variances of 0.1, 0.2, 0.3 and of 0.5, 0.5, 0.5: 0.01 and 0, pooled 0.005, of a difference 0.01.
    systems = draw([of_seeds("a", 1, 2, 3), of_seeds("b", 5, 5, 5)], "entity_f1")
    assert noise_floor(systems) == pytest.approx(0.1)
    assert noise_floor(draw([of_seeds("a", 5)], "entity_f1")) is None


def test_shares_of_variance_find_the_source() -> None:
    (of_seed,) = draw([of_seeds("a", 2, 5, 8)], "entity_f1")
    assert variance_shares(of_seed) == pytest.approx({"languages": 0, "seeds": 1, "sentences": 0})
    generator = np.random.default_rng(2)
    many = simulated(generator, seeds=3, languages=np.array([-2.0, 0.0, 2.0]), spread=(0.0, 0.1, 0.0), shared=False)
    shares = variance_shares(draw(many, "entity_f1")[0])
    assert shares["languages"] > 0.9 and sum(shares.values()) == pytest.approx(1)


def test_p_values_are_of_both_sides_and_never_zero() -> None:
    assert p_value(np.full(999, 0.2)) == pytest.approx(2 / 1000)
    assert p_value(np.zeros(10)) == 1.0
    assert counts(np.ones(2), 2).total.shape[0] == 2
