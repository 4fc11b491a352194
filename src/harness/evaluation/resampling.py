"""One resampler for every figure of a comparison: how sure are a mean and a difference?

A score varies for three reasons (Sälevä, Ataman and Lignos 2025, https://arxiv.org/abs/2509.22612): other test
sentences, another seed, another language. Each draw gives every system one value of its mean in which the chosen
sources vary at once, and all systems meet the same sentences, and the same seeds where they have them in common, so
that differences are paired.

- **Sentences** (documents where the source knows them) are drawn with replacement: a bootstrap of the F1, which is no
  mean of sentences (Berg-Kirkpatrick et al. 2012, https://aclanthology.org/D12-1091).
- **Seeds and languages** are few: with three, a bootstrap has ten outcomes, and its intervals cover far less than 95 %.
  Their mean is drawn around the one found as Student's t has it: n deviations from the mean have the weights
  ``z * sqrt(df / chi2) / sqrt(n * df)``, z normal and df = n - 1. So an interval over seeds alone is that of the t
  test, and one over several sources follows Behrens and Fisher.
- What a seed does to single sentences is in the spread over sentences and again in the spread over seeds. It is
  estimated from the draws and taken off the former, which is known better (a crossed design; Owen 2007, "The pigeonhole
  bootstrap", https://doi.org/10.1214/07-AOAS122).
- Where languages are drawn, sentences are not drawn apart: what they do is in the spread between languages.

Coverage was simulated (tests/evaluation/test_resampling.py, docs/evaluation.md).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.measures import measure as measure_of
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

    :param tests: language → what it was tested on there.
    """

    name: str
    tests: Mapping[str, Tested]

    @property
    def seeds(self) -> tuple[str, ...]:
        """Seeds that were tested in every language, sorted."""
        common = [set(test.runs) for test in self.tests.values()]
        return tuple(sorted(set.intersection(*common))) if common else ()


@dataclass(frozen=True)
class Drawn:
    """Draws of one system.

    :param seeds: those whose runs are in it.
    :param points: language → score of each seed, shape (seeds,), 0..1.
    :param draws: language → score with sentences and seeds drawn, shape (draws,).
    :param sentence_draws: language → the same with sentences alone drawn.
    :param over_languages: the mean with languages and seeds drawn, shape (draws,); None for fewer than two languages.
    """

    name: str
    seeds: tuple[str, ...]
    points: Mapping[str, Numbers]
    draws: Mapping[str, Numbers]
    sentence_draws: Mapping[str, Numbers]
    over_languages: Numbers | None

    @property
    def mean(self) -> float:
        """Mean over languages and seeds."""
        return float(np.mean([np.mean(values) for values in self.points.values()]))

    @cached_property
    def mean_draws(self) -> Numbers:
        """The mean over these very languages, with sentences and seeds drawn, shape (draws,)."""
        return np.asarray(np.mean(list(self.draws.values()), axis=0))

    @cached_property
    def mean_sentence_draws(self) -> Numbers:
        """The same with sentences alone drawn."""
        return np.asarray(np.mean(list(self.sentence_draws.values()), axis=0))

    def chosen(self, language: str | None, *, languages_drawn: bool = False) -> Numbers:
        """Return the draws of one language, or of the mean.

        :param languages_drawn: of a mean over languages like these, instead of these.
        :raises ValueError: languages are to be drawn and there is one.
        """
        if language is not None:
            return self.draws[language]
        if not languages_drawn:
            return self.mean_draws
        if self.over_languages is None:
            raise ValueError("one language says nothing of others")
        return self.over_languages


def draw(systems: Sequence[System], measure: str, *, draws: int = 2000, seed: int = 0) -> list[Drawn]:
    """Draw all systems at once, paired.

    :param measure: a measure of a test set, or ``LABEL/MEASURE`` of one label.
    :raises ValueError: a system has no test set, or no seed that all its test sets have.
    """
    for system in systems:
        if not system.seeds:
            raise ValueError(f"{system.name}: no seed was tested on all of its test sets")
    weights = _SentenceWeights(draws, seed)
    scored = [_scores(system, measure, weights) for system in systems]
    return [_with_seeds(system, scores, draws, seed) for system, scores in zip(systems, scored, strict=True)]


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
        picks = generator.integers(0, units, size=(size, units)) + units * np.arange(size)[:, None]
        return np.bincount(picks.ravel(), minlength=size * units).reshape(size, units).astype(np.float64)


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
    """Return a measure from the summed counts of :func:`tables`, each of shape (..., columns)."""
    name = "entity_f1" if measure == MACRO_F1 else measure.rpartition("/")[2]
    values = [measure_of(name, table) for table in sums]
    return np.asarray(np.mean(values, axis=0)) if values else np.zeros(())


def _scores(system: System, measure: str, weights: _SentenceWeights) -> dict[str, tuple[Numbers, Numbers]]:
    """Return for each language the score of each seed, shape (seeds,), and drawn, shape (draws, seeds)."""
    found = {}
    for language, test in system.tests.items():
        taken = [[table.astype(np.float64) for table in tables(test.runs[seed], measure)] for seed in system.seeds]
        points = np.array([float(score([table.sum(axis=0) for table in one], measure)) for one in taken])
        units = len(next(iter(test.runs.values())).total)
        parts = []
        for part, generator in enumerate(weights.parts(test.digest, units) if units else []):
            drawn = weights.drawn(generator, units, part)
            parts.append(
                np.stack(
                    [score([np.rint(drawn @ t) for t in one], measure) + np.zeros(len(drawn)) for one in taken], axis=1
                )
            )
        sampled = np.concatenate(parts) if parts else np.tile(points, (weights.draws, 1))
        found[language] = (points, sampled)
    return found


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


def _with_seeds(system: System, scores: Mapping[str, tuple[Numbers, Numbers]], draws: int, seed: int) -> Drawn:
    seeds = system.seeds
    moves = multipliers(len(seeds), draws, [seed, 1, *seeds]) if len(seeds) > 1 else np.zeros((draws, 1))
    points = {language: own for language, (own, _) in scores.items()}
    sentence = {language: sampled.mean(axis=1) for language, (_, sampled) in scores.items()}
    by_language = {
        language: _without_interaction(sampled) + moves @ (points[language] - points[language].mean())
        for language, (_, sampled) in scores.items()
    }
    over = _over_languages(points, moves, draws, seed) if len(scores) > 1 else None
    return Drawn(system.name, seeds, points, by_language, sentence, over)


def _without_interaction(sampled: Numbers) -> Numbers:
    """Return the mean over seeds with sentences drawn, less what seeds do to single sentences: seeds bring that again.

    :param sampled: shape (draws, seeds).
    """
    means = sampled.mean(axis=1)
    if sampled.shape[1] == 1:
        return np.asarray(means)
    kept = shrink(float(means.var()), interaction(sampled))
    return np.asarray(means.mean() + kept * (means - means.mean()))


def _over_languages(points: Mapping[str, Numbers], moves: Numbers, draws: int, seed: int) -> Numbers:
    """Return the mean with languages and seeds drawn, shape (draws,)."""
    table = np.array(list(points.values()))  # (languages, seeds)
    of_languages, of_seeds = table.mean(axis=1), table.mean(axis=0)
    chosen = multipliers(len(of_languages), draws, [seed, 2, *points])
    counted_twice = _residual(table) / table.size if table.shape[1] > 1 else 0.0
    kept = shrink(float(np.var(of_languages, ddof=1)) / len(of_languages), counted_twice)
    moved = kept * (chosen @ (of_languages - of_languages.mean())) + moves @ (of_seeds - of_seeds.mean())
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
