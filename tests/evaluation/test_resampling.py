"""The resampler against scipy where one source varies, and its coverage by simulation where several do."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from harness.evaluation.resampling import System, Tested, draw, interaction, multipliers, over_languages
from harness.evaluation.spans import COLUMN, COLUMNS, Counts
from harness.evaluation.verdicts import difference, interval


def counts(found: np.ndarray, of: int) -> Counts:
    """Counts of sentences with so many entities, of which so many are found, and nothing else."""
    table = np.zeros((len(found), len(COLUMNS)), dtype=np.int32)
    table[:, COLUMN["gold"]] = table[:, COLUMN["predicted"]] = of
    table[:, COLUMN["exact"]] = table[:, COLUMN["same_span"]] = found
    return Counts(table, {"X": table})


def of_seeds(name: str, *shares: int, digest: str = "d") -> System:
    """A system whose seeds find so many of ten entities in every sentence: sentences tell nothing."""
    runs = {str(seed): counts(np.full(30, share), 10) for seed, share in enumerate(shares)}
    return System(name, {"sv": Tested(digest, runs)})


def test_over_seeds_alone_the_interval_is_that_of_the_t_test() -> None:
    (drawn,) = draw([of_seeds("a", 5, 6, 8)], "entity_f1", draws=40_000)
    found = interval(drawn.sample("sv").draws(0))
    low, high = stats.t.interval(0.95, 2, loc=19 / 30, scale=stats.sem([0.5, 0.6, 0.8]))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)


def test_over_the_same_seeds_a_difference_is_that_of_the_paired_t_test() -> None:
    first, second = draw([of_seeds("a", 5, 6, 8, 9), of_seeds("b", 4, 6, 7, 6)], "entity_f1", draws=40_000)
    found = difference(first, second)
    expected = stats.ttest_rel([0.5, 0.6, 0.8, 0.9], [0.4, 0.6, 0.7, 0.6])
    assert found.p_value == pytest.approx(expected.pvalue, abs=0.01)
    limits = expected.confidence_interval(0.95)
    assert (found.interval.low, found.interval.high) == pytest.approx((limits.low, limits.high), abs=0.015)
    assert found.covers == ("seeds", "sentences")


def test_over_sentences_alone_the_interval_is_scipys_bootstrap() -> None:
    found = np.random.default_rng(4).integers(0, 3, 80)
    (drawn,) = draw([System("a", {"sv": Tested("d", {"1": counts(found, 2)})})], "entity_recall", draws=6000)
    ours = interval(drawn.sample("sv").draws(0))
    theirs = stats.bootstrap((found / 2,), np.mean, method="percentile", n_resamples=6000, rng=1).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_systems_meet_the_same_sentences_where_the_test_set_is_the_same() -> None:
    found = np.random.default_rng(5).integers(0, 3, 60)
    same = System("a", {"sv": Tested("d", {"1": counts(found, 2)})})
    paired = draw([same, System("b", {"sv": Tested("d", {"1": counts(found, 2)})})], "entity_f1")
    assert np.all(paired[0].sample("sv").sampled == paired[1].sample("sv").sampled)
    apart = draw([same, System("b", {"sv": Tested("other", {"1": counts(found, 2)})})], "entity_f1")
    assert np.any(apart[0].sample("sv").sampled != apart[1].sample("sv").sampled)


def test_draws_repeat_and_one_language_says_nothing_of_others() -> None:
    first, second = (draw([of_seeds("a", 5, 6)], "entity_f1", seed=3)[0] for _ in range(2))
    assert np.array_equal(first.sample(None).draws(3), second.sample(None).draws(3))
    with pytest.raises(ValueError, match="one language"):
        difference(first, second, languages_drawn=True)


def test_a_seed_that_one_language_lacks_is_in_the_others_and_not_in_the_mean() -> None:
    runs = {str(seed): counts(np.full(30, share), 10) for seed, share in enumerate((5, 6, 7))}
    system = System("a", {"sv": Tested("d", runs), "da": Tested("e", {seed: runs[seed] for seed in ("0", "1")})})
    (drawn,) = draw([system], "entity_f1")
    assert drawn.sample("sv").value == pytest.approx(0.6) and drawn.sample("da").value == pytest.approx(0.55)
    assert drawn.seeds == ("0", "1") and drawn.mean == pytest.approx(0.55)


def test_seeds_that_are_partly_the_same_are_not_paired() -> None:
    """Four against three: the difference is drawn as of systems apart, so it is wider and still holds the truth."""
    first, second = draw([of_seeds("a", 5, 6, 7, 8), of_seeds("b", 4, 5, 6)], "entity_f1")
    found = difference(first, second)
    assert found.interval.low < 0.15 < found.interval.high and found.interval.high - found.interval.low > 0.2


def test_labels_are_drawn_apart_and_absent_ones_score_nothing() -> None:
    system = of_seeds("a", 5, 7)
    by_label = draw([system], "X/entity_f1")[0]
    assert by_label.mean == pytest.approx(0.6)
    assert draw([system], "entity_macro_f1")[0].mean == pytest.approx(0.6)
    assert not draw([system], "Y/entity_f1")[0].languages, "a mean over languages leaves out those without the label"


def test_a_label_that_a_draw_has_not_is_in_no_mean_over_labels() -> None:
    """A label in one sentence of 30: in a third of the draws it is absent, and does not count as 0 there."""
    common, rare = counts(np.full(30, 9), 10), counts(np.array([1] + [0] * 29), 1)
    rare.total[1:] = 0
    tables = {"A": common.total, "B": rare.total}
    system = System("a", {"sv": Tested("d", {"1": Counts(common.total + rare.total, tables)})})
    (drawn,) = draw([system], "entity_macro_f1")
    assert drawn.mean == pytest.approx(0.95)
    assert drawn.sample("sv").sampled.min() == pytest.approx(0.9)


def test_multipliers_give_students_t() -> None:
    deviations = np.array([-1.0, 0.0, 1.0])
    drawn = multipliers(3, 50_000, [1]) @ deviations
    expected = stats.t(2).ppf([0.05, 0.25, 0.75, 0.95]) * 1 / np.sqrt(3)
    assert np.quantile(drawn, [0.05, 0.25, 0.75, 0.95]) == pytest.approx(expected, abs=0.05)


def test_what_seeds_do_to_sentences_is_told_from_what_they_do_to_all() -> None:
    """Both seeds go up and down together: nothing between them; one of them alone: half its variance."""
    together = np.repeat(np.random.default_rng(1).normal(size=(4000, 1)), 2, axis=1)
    assert interaction(together) == pytest.approx(0.0, abs=1e-12)
    alone = np.concatenate([np.random.default_rng(1).normal(size=(4000, 1)), np.zeros((4000, 1))], axis=1)
    assert interaction(alone) == pytest.approx(0.25, abs=0.02)  # ((1/2)^2 + (1/2)^2) / (2 - 1) / 2 seeds


def simulated(
    generator: np.random.Generator,
    *,
    seeds: int,
    languages: np.ndarray,
    spread: tuple[float, float, float],
    shared: bool,
) -> list[System]:
    """Two systems of one kind: logits vary with language, seed, sentence, and with seed and sentence together.

    :param shared: both have the same seeds, and what a seed does, to all and to single sentences, is half the same.
    """
    of_seed, of_sentence, of_both = spread
    sentences = generator.normal(size=(len(languages), 60)) * of_sentence
    common = generator.normal(size=(seeds, len(languages), 60)) * of_both
    systems = []
    for name in "ab":
        moves = generator.normal(size=seeds) * of_seed
        tests = {}
        for place, language in enumerate(languages):
            runs = {}
            for seed in range(seeds):
                own = generator.normal(size=60) * of_both
                both = (common[seed, place] + own) / np.sqrt(2) if shared else own
                logits = 1 + language + moves[seed] + sentences[place] + both
                runs[f"{'' if shared else name}{seed}"] = counts(generator.binomial(3, expit(logits)), 3)
            tests[f"l{place}"] = Tested(f"d{place}", runs)
        systems.append(System(name, tests))
    return systems


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(
    ("seeds", "languages", "spread"), [(3, 3, (0.2, 0.5, 0.3)), (2, 4, (0.1, 0.6, 0.0)), (5, 6, (0.3, 0.3, 1.0))]
)
def test_intervals_cover_what_they_say(
    seeds: int, languages: int, spread: tuple[float, float, float], shared: bool
) -> None:
    """250 studies of two systems of one kind: 0.95 within three standard errors, 0.041; languages are few, and a sum of
    two t's covers rather more. Differences are "found" in at most 5 % of the pairs, within error.
    """
    generator = np.random.default_rng(languages)
    noise = generator.normal(size=40_000)
    alike = np.sqrt(sum(one**2 for one in spread))
    held = np.zeros(4)
    studies = 250
    for number in range(studies):
        shifts = generator.normal(size=languages) * 0.4
        systems = simulated(generator, seeds=seeds, languages=shifts, spread=spread, shared=shared)
        first, second = draw(systems, "entity_f1", draws=400, seed=number)
        truths = [float(expit(1 + shift + alike * noise).mean()) for shift in shifts]
        anywhere = float(expit(1 + np.hypot(alike, 0.4) * noise).mean())
        over = over_languages(first.table(first.languages), first.languages, first.seeds, 400, number)
        draws = [first.sample("l0").draws(number), first.sample(None).draws(number), over]
        for place, truth in enumerate((truths[0], np.mean(truths), anywhere)):
            found = interval(draws[place])
            held[place] += found.low <= truth <= found.high
        held[3] += difference(first, second).p_value >= 0.05
    language, mean, anywhere, undifferent = held / studies
    assert 0.909 <= language <= 0.99, language
    assert 0.909 <= mean <= 0.99, mean
    assert anywhere >= 0.909, anywhere
    assert undifferent >= 0.95 - 0.041, undifferent


def test_seeds_of_one_model_are_told_apart_by_sentences_alone_and_not_by_this() -> None:
    """One seed against another, as a test over sentences has it: a third "significant". With one seed there is no
    verdict; with three, the groups differ in 5 % at most."""
    generator = np.random.default_rng(8)
    naive = verdicts = 0
    for number in range(60):
        systems = simulated(generator, seeds=1, languages=np.zeros(1), spread=(0.4, 0.5, 0.2), shared=False)
        first, second = draw(systems, "entity_f1", draws=300, seed=number)
        found = difference(first, second)
        naive += found.p_value < 0.05
        verdicts += found.verdict != "one seed"
    assert naive >= 15 and verdicts == 0
