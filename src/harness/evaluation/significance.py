"""How sure a figure is: bootstrap intervals over sentences, paired tests between two systems.

Sentences, not entities, are resampled: entities of one sentence are not independent. See Berg-Kirkpatrick et al.
2012 (https://aclanthology.org/D12-1091) on what such tests do and do not say; neither covers the spread over seeds,
which ``harness compare`` shows beside them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.measures import measure
from harness.evaluation.spans import Counts


@dataclass(frozen=True)
class Interval:
    """A percentile bootstrap interval.

    :param level: coverage aimed at, 0..1.
    """

    low: float
    high: float
    level: float


def bootstrap_interval(counts: Counts, name: str, *, seed: int, resamples: int = 1000, level: float = 0.95) -> Interval:
    """Return the percentile interval of a measure over resampled sentences.

    An empty test set gives 0..0.
    """
    rows = len(counts.total)
    if rows == 0:
        return Interval(0.0, 0.0, level)
    generator = np.random.default_rng(seed)
    total = counts.total.astype(np.float64)  # whole numbers have no fast product
    sums = np.concatenate([resampled(generator, rows, part) @ total for part in _parts(resamples)])
    values = measure(name, np.rint(sums).astype(np.int64))  # (resamples,)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)


AT_ONCE = 500
"""Resamples in memory at once."""


def _parts(resamples: int) -> list[int]:
    return [min(AT_ONCE, resamples - start) for start in range(0, resamples, AT_ONCE)]


def resampled(generator: np.random.Generator, rows: int, resamples: int) -> NDArray[np.float64]:
    """Return how often each sentence is drawn, shape (resamples, sentences).

    Drawing sentences and counting them is ten times as fast as drawing the counts from a multinomial.
    """
    drawn = generator.integers(0, rows, size=(resamples, rows)) + rows * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * rows).reshape(resamples, rows).astype(np.float64)


@dataclass(frozen=True)
class PairedTest:
    """Result of a paired permutation test.

    :param difference: first system minus second.
    :param p_value: two-sided; at least 1 / (permutations + 1).
    """

    difference: float
    p_value: float


def paired_permutation(first: Counts, second: Counts, name: str, *, seed: int, permutations: int = 2000) -> PairedTest:
    """Test whether two systems differ on the same sentences (approximate randomisation, Noreen 1989; Yeh 2000,
    https://aclanthology.org/C00-2137): in each round the two systems' outputs are swapped in a random half.

    :raises ValueError: the two have different numbers of sentences.
    """
    if first.total.shape != second.total.shape:
        raise ValueError(f"{len(first.total)} and {len(second.total)} sentences; both systems must tag the same ones")
    generator = np.random.default_rng(seed)
    left, right = first.summed(), second.summed()
    observed = float(measure(name, left) - measure(name, right))
    swap = generator.integers(0, 2, size=(permutations, len(first.total)))
    apart = second.total.astype(np.float64) - first.total
    moved = np.rint(swap.astype(np.float64) @ apart).astype(np.int64)  # (permutations, columns)
    differences = measure(name, left + moved) - measure(name, right - moved)
    extreme = int(np.sum(np.abs(differences) >= abs(observed) - 1e-12))
    return PairedTest(observed, (extreme + 1) / (permutations + 1))
