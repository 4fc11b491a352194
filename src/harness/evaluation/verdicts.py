"""What draws say: intervals, differences with a verdict, ranks with ties, where the variance comes from.

A difference has a *region of practical equivalence*: below it (1 F1, say) nobody would act on it. Verdicts are of the
whole 95 % interval: beyond the region, inside it, or neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.evaluation.resampling import Drawn, Numbers, over_languages

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
    first: Drawn,
    second: Drawn,
    language: str | None = None,
    *,
    languages: Sequence[str] | None = None,
    region: float = REGION,
    languages_drawn: bool = False,
) -> Difference:
    """Return how far the first is above the second.

    :param language: one of them; a mean without it.
    :param languages: of the mean; those of the first without them.
    :param region: half-width of the region of practical equivalence, 0..1.
    :param languages_drawn: of languages like these, instead of these.
    :raises ValueError: languages are to be drawn and there is one.
    """
    over = tuple(languages or first.languages)
    left, right = first.sample(language, over), second.sample(language, over)
    several = min(len(left.seeds), len(right.seeds)) > 1
    paired = left.seeds == right.seeds
    if languages_drawn and language is None:
        draws = _over(first, second, over, paired)
    else:
        draws = left.minus(right).draws(first.seed) if paired else left.draws(first.seed) - right.draws(second.seed)
    found = interval(draws)
    above, below = float(np.mean(draws > region)), float(np.mean(draws < -region))
    drawn = ("languages",) if languages_drawn and language is None else ()
    covers = (*drawn, *(["seeds"] if several else []), *([] if drawn else ["sentences"]))
    return Difference(
        left.value - right.value,
        found,
        p_value(draws),
        {"above": above, "within": 1 - above - below, "below": below},
        _verdict(found, region) if several else "one seed",
        covers,
        found.half_width * (1.96 + 0.84) / 1.96,
    )


def _over(first: Drawn, second: Drawn, languages: Sequence[str], paired: bool) -> Numbers:
    """Return a difference of means with languages drawn, the same ones for both."""
    if len(languages) < 2:
        raise ValueError("one language says nothing of others")
    tables = [one.table(languages) for one in (first, second)]
    seeds = [one.common_seeds(languages) for one in (first, second)]
    count = len(first.sample(languages[0]).sampled)
    if paired:
        return over_languages(tables[0] - tables[1], languages, seeds[0], count, first.seed)
    draws = [
        over_languages(table, languages, own, count, one.seed)
        for table, own, one in zip(tables, seeds, (first, second), strict=True)
    ]
    return draws[0] - draws[1]


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
    :param beaten: the best one is above it in 95 % of the draws; True where no verdict is possible.
    """

    best: float
    ranks: tuple[int, int]
    group: int
    beaten: bool


def places(systems: Sequence[Drawn], language: str | None = None) -> list[Place]:
    """Return the place of each system by its draws; all were tested on the same sets.

    Tie groups as EuroEval has them since 2026: the best system leads the first group, which goes down to the first
    that it is above in 95 % of the draws; that one leads the next.
    """
    samples = [system.sample(language) for system in systems]
    table = np.array([sample.wide_draws(one.seed) for sample, one in zip(samples, systems, strict=True)])
    ranks = np.array([1 + np.sum(table > one + 1e-12, axis=0) for one in table])  # equal ones share the better rank
    best = np.mean(table >= table.max(axis=0) - 1e-12, axis=1)
    groups = [0] * len(systems)
    beaten = [True] * len(systems)
    first = leader = None
    for place in sorted(range(len(systems)), key=lambda one: -samples[one].value):
        if len(samples[place].seeds) < 2:
            continue
        first = place if first is None else first
        beaten[place] = _above(systems[first], systems[place], language)
        if leader is None or _above(systems[leader], systems[place], language):
            leader, number = place, max(groups) + 1
        groups[place] = number
    bounds = np.quantile(ranks, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1, method="inverted_cdf").astype(int)
    return [
        Place(float(best[one]), (int(bounds[0][one]), int(bounds[1][one])), groups[one], beaten[one])
        for one in range(len(systems))
    ]


def _above(first: Drawn, second: Drawn, language: str | None) -> bool:
    """Return True where the first is above the second in 95 % of the draws."""
    return first is not second and 1 - difference(first, second, language, region=0.0).shares["above"] < 1 - LEVEL


def noise_floor(systems: Sequence[Drawn]) -> float | None:
    """Return the standard deviation of the difference of two seeds of one setting, pooled; None without two seeds.

    Twice this, about, is what two runs of the same setting differ by in one case of twenty.
    """
    squares, freedom = 0.0, 0
    for system in systems:
        if len(system.seeds) > 1:
            points = system.sample(None).points
            squares += float(((points - points.mean()) ** 2).sum())
            freedom += len(points) - 1
    return float(np.sqrt(2 * squares / freedom)) if freedom else None


def variance_shares(system: Drawn) -> dict[str, float]:
    """Return where the variance of a mean comes from, by level, adding up to 1: what is there to have more of?

    ``languages`` is what other languages would change, beyond what other sentences and seeds do.
    """
    table = system.table(system.languages)
    languages, seeds = table.shape
    of_seeds = float(np.var(table.mean(axis=0), ddof=1)) / seeds if seeds > 1 else 0.0
    of_sentences = float(system.sample(None).sampled.mean(axis=1).var())
    of_languages = 0.0
    if languages > 1:
        between = float(np.var(table.mean(axis=1), ddof=1)) / languages
        of_languages = max(0.0, between - of_sentences)
    total = of_languages + of_seeds + of_sentences
    parts = {"languages": of_languages, "seeds": of_seeds, "sentences": of_sentences}
    return {name: part / total if total else 0.0 for name, part in parts.items()}
