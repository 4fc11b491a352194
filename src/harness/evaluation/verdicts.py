"""What draws say: intervals, differences with a verdict, ranks with ties, where the variance comes from.

A difference has a *region of practical equivalence*: below it (1 F1, say) nobody would act on it. Verdicts are of the
whole 95 % interval: beyond the region, inside it, or neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.evaluation.resampling import Drawn, Numbers

LEVEL = 0.95
REGION = 0.01
"""Half-width of the region of practical equivalence, 0..1: one point of F1."""
FEW_LANGUAGES = 5
"""Below this nothing is said of languages in general: an interval over three has a factor of 4.3 for 1.96."""

Verdict = Literal["better", "worse", "equal", "higher", "lower", "undecided", "one seed"]
"""better, worse: by more than the region. higher, lower: surely, but perhaps by less. equal: within the region. one
seed: another seed of the same setting could differ as much, so there is no verdict."""


@dataclass(frozen=True)
class Interval:
    """A percentile interval of draws, 0..1."""

    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half its width."""
        return (self.high - self.low) / 2


def interval(draws: Numbers, level: float = LEVEL) -> Interval:
    """Return the interval that holds the middle share of the draws."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


@dataclass(frozen=True)
class Difference:
    """A system minus another, 0..1.

    :param p_value: two-sided, that there is none; at least 1 / (draws + 1).
    :param shares: share of the draws ``above`` the region, ``within`` and ``below`` it.
    :param covers: the sources that varied: languages, seeds, sentences.
    :param shown: the smallest difference that this comparison would show four times in five.
    """

    value: float
    interval: Interval
    p_value: float
    shares: Mapping[str, float]
    verdict: Verdict
    covers: tuple[str, ...]
    shown: float


def difference(
    first: Drawn, second: Drawn, language: str | None = None, *, region: float = REGION, languages_drawn: bool = False
) -> Difference:
    """Return how far the first is above the second.

    :param language: one of them; the mean over all without it.
    :param region: half-width of the region of practical equivalence, 0..1.
    :param languages_drawn: of languages like these, instead of these.
    """
    draws = first.chosen(language, languages_drawn=languages_drawn) - second.chosen(
        language, languages_drawn=languages_drawn
    )
    several = min(len(first.seeds), len(second.seeds)) > 1
    points = [float(np.mean(one.points[language])) if language else one.mean for one in (first, second)]
    value = points[0] - points[1]
    if not np.any(draws):  # the same predictions
        draws = np.full_like(draws, value)
    found = interval(draws)
    above, below = float(np.mean(draws > region)), float(np.mean(draws < -region))
    covers = (*(["languages"] if languages_drawn else []), *(["seeds"] if several else []))
    return Difference(
        value,
        found,
        p_value(draws),
        {"above": above, "within": 1 - above - below, "below": below},
        _verdict(found, region) if several else "one seed",
        covers if languages_drawn else (*covers, "sentences"),
        found.half_width * (1.96 + 0.84) / 1.96,
    )


def p_value(draws: Numbers) -> float:
    """Return the two-sided p value that the middle of the draws is 0 (Efron and Tibshirani 1993, section 15.4)."""
    count = len(draws)
    tail = min(int(np.sum(draws <= 0)), int(np.sum(draws >= 0)))
    return min(1.0, 2 * (tail + 1) / (count + 1))


def _verdict(found: Interval, region: float) -> Verdict:
    if found.low > region:
        return "better"
    if found.high < -region:
        return "worse"
    if -region <= found.low and found.high <= region:
        return "equal"
    if found.low > 0:
        return "higher"
    return "lower" if found.high < 0 else "undecided"


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for being several (Holm 1979): a family's smallest is multiplied by its size, the next
    by one less, and none falls below the one before it.
    """
    corrected = [0.0] * len(p_values)
    running = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda number: p_values[number])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = running
    return corrected


@dataclass(frozen=True)
class Place:
    """Where a system stands among others.

    :param best: share of the draws in which it is first, 0..1.
    :param ranks: 95 % interval of its rank, 1 the best.
    :param group: number of its tie group, 1 the best; 0 where no verdict is possible (one seed).
    """

    best: float
    ranks: tuple[int, int]
    group: int


def places(systems: Sequence[Drawn], language: str | None = None) -> list[Place]:
    """Return the place of each system by its draws.

    Tie groups as EuroEval has them since 2026: the best system leads the first group, which goes down to the first
    that it is above in 95 % of the draws; that one leads the next.
    """
    table = np.array([system.chosen(language) for system in systems])  # (systems, draws)
    ranks = np.array([1 + np.sum(table > one + 1e-12, axis=0) for one in table])  # equal ones share the better rank
    best = np.mean(table >= table.max(axis=0) - 1e-12, axis=1)
    groups = _tie_groups(systems, table, language)
    bounds = np.quantile(ranks, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1, method="inverted_cdf").astype(int)
    return [
        Place(float(share), (int(low), int(high)), group)
        for share, low, high, group in zip(best, *bounds, groups, strict=True)
    ]


def _tie_groups(systems: Sequence[Drawn], table: Numbers, language: str | None) -> list[int]:
    means = [float(np.mean(one.points[language])) if language else one.mean for one in systems]
    groups = [0] * len(systems)
    leader, number = None, 0
    for place in sorted(range(len(systems)), key=lambda one: -means[one]):
        if len(systems[place].seeds) < 2:
            continue
        if leader is None or float(np.mean(table[leader] - table[place] <= 0)) < 1 - LEVEL:
            leader, number = place, number + 1
        groups[place] = number
    return groups


def noise_floor(systems: Sequence[Drawn]) -> float | None:
    """Return the standard deviation of the difference of two seeds of one setting, pooled; None without two seeds.

    Twice this, about, is what two runs of the same setting differ by in one case of twenty.
    """
    squares, freedom = 0.0, 0
    for system in systems:
        of_seeds = np.mean(list(system.points.values()), axis=0)
        squares += float(((of_seeds - of_seeds.mean()) ** 2).sum())
        freedom += len(of_seeds) - 1
    return float(np.sqrt(2 * squares / freedom)) if freedom else None


def variance_shares(system: Drawn) -> dict[str, float]:
    """Return where the variance of a mean comes from, by level, adding up to 1: what is there to have more of?

    ``languages`` is what other languages would change, beyond what other sentences and seeds do.
    """
    table = np.array(list(system.points.values()))  # (languages, seeds)
    languages, seeds = table.shape
    of_seeds = float(np.var(table.mean(axis=0), ddof=1)) / seeds if seeds > 1 else 0.0
    of_sentences = float(system.mean_sentence_draws.var())
    of_languages = 0.0
    if languages > 1:
        between = float(np.var(table.mean(axis=1), ddof=1)) / languages
        of_languages = max(0.0, between - of_sentences)
    total = of_languages + of_seeds + of_sentences
    parts = {"languages": of_languages, "seeds": of_seeds, "sentences": of_sentences}
    return {name: part / total if total else 0.0 for name, part in parts.items()}
