"""One resampler for every figure of a comparison: how sure are a mean and a difference?

A score varies for three reasons (Sälevä, Ataman and Lignos 2025, https://arxiv.org/abs/2509.22612): other test
sentences, another seed, another language. Each draw gives every system one value of its mean in which the chosen
sources vary at once, and all systems meet the same sentences. The difference of two systems is drawn as such, seed by
seed where both have the same seeds, so that what they share cancels.

- **Sentences** (documents where the source knows them) are drawn with replacement: a bootstrap of the F1, which is no
  mean of sentences (Berg-Kirkpatrick et al. 2012, https://aclanthology.org/D12-1091).
- **Seeds and languages** are few: with three, a bootstrap has ten outcomes, and its intervals cover far less than 95 %.
  Their mean is drawn around the one found as Student's t has it: n deviations from the mean have the weights
  ``z * sqrt(df / chi2) / sqrt(n * df)``, z normal and df = n - 1. So an interval over seeds alone is that of the t
  test, and one over several sources follows Behrens and Fisher.
- What a seed does to single sentences is in the spread over sentences and again in the spread over seeds. It is
  estimated from the draws and taken off the former, which is known better (a crossed design; Owen 2007, "The pigeonhole
  bootstrap", https://doi.org/10.1214/07-AOAS122); of a difference, from the draws of the difference.
- Where languages are drawn, sentences are not drawn apart: what they do is in the spread between languages.

Coverage was simulated (tests/evaluation/test_resampling.py, docs/evaluation.md).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.measures import measure as measure_of
from harness.evaluation.significance import resampled
from harness.evaluation.spans import COLUMN, Counts
from harness.values.names import MACRO_F1, is_label_measure

Numbers = NDArray[np.float64]
LEVELS = ("languages", "seeds", "sentences")
"""Sources of variation, the largest unit first."""

AT_ONCE = 250
"""Draws of sentences in memory at once."""


@dataclass(frozen=True)
class Tested:
    """One system on one test set.

    :param digest: of the test set and its units; equal digests are paired.
    :param runs: seed → counts of its units (sentences or documents), in the same order for every seed.
    """

    digest: str
    runs: Mapping[str, Counts]


@dataclass(frozen=True)
class System:
    """What is compared: a row of a table, with all its seeds.

    :param tests: language → what it was tested on there; a seed can be missing in one (its model collapsed).
    """

    name: str
    tests: Mapping[str, Tested]


@dataclass(frozen=True)
class Sample:
    """Scores of one system, or of the difference of two, in one language or as a mean.

    :param seeds: of the runs in it.
    :param points: score of each seed, shape (seeds,), 0..1.
    :param sampled: the same with sentences drawn, shape (draws, seeds).
    """

    seeds: tuple[str, ...]
    points: Numbers
    sampled: Numbers

    def minus(self, other: Sample) -> Sample:
        """Return the difference seed by seed, of samples with the same seeds."""
        return Sample(self.seeds, self.points - other.points, self.sampled - other.sampled)

    @property
    def value(self) -> float:
        """Mean over seeds."""
        return float(self.points.mean())

    def draws(self, seed: int) -> Numbers:
        """Return the mean with sentences and seeds drawn, shape (draws,)."""
        return _without_interaction(self.sampled) + self.moved(seed)

    def wide_draws(self, seed: int) -> Numbers:
        """Return the same with what seeds do to sentences counted twice: for ranks, where what systems share is not
        known to cancel; wider, never narrower.
        """
        return np.asarray(self.sampled.mean(axis=1) + self.moved(seed))

    def moved(self, seed: int) -> Numbers:
        """Return what other seeds would add, shape (draws,)."""
        if len(self.seeds) < 2:
            return np.zeros(len(self.sampled))
        weights = multipliers(len(self.seeds), len(self.sampled), [seed, 1, *self.seeds])
        return np.asarray(weights @ (self.points - self.points.mean()))


@dataclass(frozen=True)
class Drawn:
    """Draws of one system.

    :param samples: by language, each with the seeds it has there.
    :param digests: of the test sets, by language.
    :param seed: of the draws.
    """

    name: str
    samples: Mapping[str, Sample]
    digests: Mapping[str, str]
    seed: int

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages tested."""
        return tuple(self.samples)

    def common_seeds(self, languages: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return the seeds that were tested in each of some languages, sorted; of all languages without them."""
        own = [set(self.samples[language].seeds) for language in languages or self.samples]
        return tuple(sorted(set.intersection(*own))) if own else ()

    @property
    def seeds(self) -> tuple[str, ...]:
        """The seeds of the mean."""
        return self.common_seeds()

    @property
    def mean(self) -> float:
        """Mean over languages, and over the seeds that have them all; not a number without such a seed."""
        return self.sample(None).value if self.seeds else float("nan")

    def sample(self, language: str | None, languages: Sequence[str] | None = None) -> Sample:
        """Return the scores of a language, or of the mean over some; over all without them."""
        if language is not None:
            return self.samples[language]
        chosen = [self.only(one, self.common_seeds(languages)) for one in languages or self.samples]
        points = np.mean([one.points for one in chosen], axis=0)
        return Sample(chosen[0].seeds, points, np.mean([one.sampled for one in chosen], axis=0))

    def only(self, language: str, seeds: Sequence[str]) -> Sample:
        """Return the scores of a language by some of its seeds."""
        own = self.samples[language]
        places = [own.seeds.index(seed) for seed in seeds]
        return Sample(tuple(seeds), own.points[places], own.sampled[:, places])

    def table(self, languages: Sequence[str]) -> Numbers:
        """Return the score of each language and seed of the mean, shape (languages, seeds)."""
        seeds = self.common_seeds(languages)
        return np.array([self.only(language, seeds).points for language in languages])


def draw(systems: Sequence[System], measure: str, *, draws: int = 2000, seed: int = 0) -> list[Drawn]:
    """Draw the sentences of all systems at once.

    :param measure: a measure of a test set, or ``LABEL/MEASURE`` of one label; languages whose gold has no such label
        are left out, as a mean over languages leaves them out.
    """
    draws = max(
        draws, 100 * max((len(system.tests) for system in systems), default=0)
    )  # p values small enough for Holm
    weights = _SentenceWeights(draws, seed)
    return [
        Drawn(
            system.name,
            {
                language: _sample(test, measure, weights)
                for language, test in system.tests.items()
                if test.runs and has_label(test, measure)
            },
            {language: test.digest for language, test in system.tests.items()},
            seed,
        )
        for system in systems
    ]


def has_label(test: Tested, measure: str) -> bool:
    """Return True for a measure of all labels, or where gold has the label."""
    if not is_label_measure(measure):
        return True
    (table,) = tables(next(iter(test.runs.values())), measure)
    return bool(table[:, COLUMN["gold"]].any())


class _SentenceWeights:
    """How often each unit of a test set is drawn: the same for every system that was tested on it."""

    def __init__(self, draws: int, seed: int) -> None:
        self.draws, self.seed = draws, seed

    def parts(self, digest: str, units: int) -> list[np.random.Generator]:
        """Return a generator for each part of the draws; equal digests give equal ones."""
        count = -(-self.draws // AT_ONCE)
        sequence = np.random.SeedSequence([self.seed, zlib.crc32(digest.encode()), units])
        return [np.random.default_rng(child) for child in sequence.spawn(count)]

    def drawn(self, generator: np.random.Generator, units: int, part: int) -> Numbers:
        """Return the weights of one part, shape (draws of the part, units)."""
        size = min(AT_ONCE, self.draws - part * AT_ONCE)
        return resampled(generator, units, size)


def tables(counts: Counts, measure: str) -> list[NDArray[np.int32]]:
    """Return the counts that a measure is taken of: of all labels together, of one, or of each."""
    if measure == MACRO_F1:
        present = [COLUMN["gold"], COLUMN["predicted"]]
        return [table for table in counts.by_label.values() if table[:, present].any()]
    if is_label_measure(measure):
        empty = np.zeros_like(counts.total)
        return [counts.by_label.get(measure.rpartition("/")[0], empty)]
    return [counts.total]


def score(sums: Sequence[Numbers], measure: str) -> Numbers:
    """Return a measure from the summed counts of :func:`tables`, each of shape (..., columns).

    A mean over labels is over those that gold or a prediction has in the draw.
    """
    if not sums:
        return np.zeros(())
    name = "entity_f1" if measure == MACRO_F1 else measure.rpartition("/")[2]
    values = np.array([measure_of(name, table) for table in sums])
    if measure != MACRO_F1:
        return np.asarray(values[0])
    there = np.array([table[..., COLUMN["gold"]] + table[..., COLUMN["predicted"]] > 0 for table in sums])
    count = there.sum(axis=0)
    return np.asarray(np.where(count > 0, (values * there).sum(axis=0) / np.maximum(count, 1), 0.0))


def _sample(test: Tested, measure: str, weights: _SentenceWeights) -> Sample:
    seeds = tuple(sorted(test.runs))
    taken = [[table.astype(np.float64) for table in tables(test.runs[seed], measure)] for seed in seeds]
    points = np.array([float(score([table.sum(axis=0) for table in one], measure)) for one in taken])
    units = len(test.runs[seeds[0]].total)
    parts = []
    for part, generator in enumerate(weights.parts(test.digest, units) if units else []):
        drawn = weights.drawn(generator, units, part)
        columns = [score([np.rint(drawn @ table) for table in one], measure) + np.zeros(len(drawn)) for one in taken]
        parts.append(np.stack(columns, axis=1))
    return Sample(seeds, points, np.concatenate(parts) if parts else np.tile(points, (weights.draws, 1)))


def multipliers(count: int, draws: int, key: Sequence[int | str]) -> Numbers:
    """Return weights of the deviations of a few values from their mean, shape (draws, count): their product with the
    deviations is Student's t, scaled to the standard error of the mean.

    :param key: equal keys give equal weights, which pairs systems.
    """
    numbers = [part if isinstance(part, int) else zlib.crc32(part.encode()) for part in key]
    generator = np.random.default_rng(np.random.SeedSequence(numbers))
    freedom = count - 1
    scale = np.sqrt(freedom / generator.chisquare(freedom, size=draws))
    return np.asarray(generator.normal(size=(draws, count)) * scale[:, None] / np.sqrt(count * freedom))


def _without_interaction(sampled: Numbers) -> Numbers:
    """Return the mean over seeds with sentences drawn, less what seeds do to single sentences: seeds bring that again.

    :param sampled: shape (draws, seeds).
    """
    means = sampled.mean(axis=1)
    if sampled.shape[1] == 1:
        return np.asarray(means)
    kept = shrink(float(means.var()), interaction(sampled))
    return np.asarray(means.mean() + kept * (means - means.mean()))


def over_languages(table: Numbers, languages: Sequence[str], seeds: Sequence[str], draws: int, seed: int) -> Numbers:
    """Return a mean with languages and seeds drawn, shape (draws,).

    :param table: scores, or differences of two systems with the same seeds, shape (languages, seeds).
    """
    of_languages, of_seeds = table.mean(axis=1), table.mean(axis=0)
    chosen = multipliers(len(of_languages), draws, [seed, 2, *languages])
    several = table.shape[1] > 1
    counted_twice = _residual(table) / table.size if several else 0.0
    kept = shrink(float(np.var(of_languages, ddof=1)) / len(of_languages), counted_twice)
    moved = kept * (chosen @ (of_languages - of_languages.mean()))
    if several:
        moved = moved + multipliers(len(seeds), draws, [seed, 1, *seeds]) @ (of_seeds - of_seeds.mean())
    return np.asarray(table.mean() + moved)


def interaction(sampled: Numbers) -> float:
    """Return the variance of a mean over seeds that comes from what single seeds do to single sentences.

    :param sampled: scores with sentences drawn, shape (draws, seeds).
    """
    apart = sampled - sampled.mean(axis=0)
    apart = apart - apart.mean(axis=1, keepdims=True)
    draws, seeds = sampled.shape
    return float((apart**2).sum() / (draws * (seeds - 1)) / seeds)


def _residual(table: Numbers) -> float:
    """Return the mean square that neither languages nor seeds explain, of a table (languages, seeds)."""
    apart = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    return float((apart**2).sum() / ((table.shape[0] - 1) * (table.shape[1] - 1)))


def shrink(variance: float, counted_already: float) -> float:
    """Return the factor that takes a variance off which another source has in it, at most to nothing."""
    return float(np.sqrt(max(variance - counted_already, 0.0) / variance)) if variance > 0 else 0.0
