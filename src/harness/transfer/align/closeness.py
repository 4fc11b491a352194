"""How close the words of two texts are, from an encoder's vectors.

An encoder keeps languages apart (Libovický et al. 2020, https://arxiv.org/abs/2004.05160) and its states in a narrow
cone (Ethayarajh 2019), so each side is centred on its own mean over the corpus; some words are close to everything,
which CSLS takes off (Conneau et al. 2018, https://arxiv.org/abs/1710.04087, section 2.3); and where words that are
sure to be translations differ, directions say little (within-class covariance normalisation, Hatch et al. 2006).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Vectors = list[Singles]
"""Of each text, one row a word."""

NEIGHBOURS, SAMPLE = 10, 1000
"""Nearest words of the other side that tell a hub, among so many of them."""

CONFIDENT = 0.8
"""Posterior of links that tell how translations differ."""

NOISE_FLOOR = 0.25
"""Share of the mean variance that every direction keeps."""


def centred(texts: Sequence[Singles]) -> Vectors:
    """Return unit vectors about the mean of all words of a side; words without a piece stay zeros, close to none."""
    joined = np.concatenate(texts)
    seen = np.asarray(joined.any(axis=1))
    if seen.any():
        joined = np.where(seen[:, None], joined - joined[seen].mean(axis=0), 0)
    return _split(_units(joined), texts)


def _units(rows: Singles) -> Singles:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _split(joined: Singles, like: Sequence[Singles]) -> Vectors:
    return list(np.split(joined, np.cumsum([len(words) for words in like])[:-1]))


def similarities(first: Vectors, second: Vectors) -> list[Floats]:
    """Return CSLS similarities of the words of each pair, shape (source, target), from unit vectors."""
    rows, columns = _hubness(first, second), _hubness(second, first)
    return [
        (one @ two.T - (row[:, None] + column[None, :]) / 2).astype(np.float64)
        for one, two, row, column in zip(first, second, rows, columns, strict=True)
    ]


def _hubness(words: Vectors, others: Vectors) -> Vectors:
    """Return each word's mean similarity to its nearest in a sample of the other side."""
    every = np.concatenate(others)
    sample = every[np.linspace(0, len(every) - 1, min(SAMPLE, len(every))).astype(int)]
    joined = np.concatenate(words)
    nearest = min(NEIGHBOURS, len(sample))
    means = [
        np.partition(joined[start : start + 4096] @ sample.T, -nearest, axis=1)[:, -nearest:].mean(axis=1)
        for start in range(0, len(joined), 4096)
    ]
    return _split(np.concatenate(means), words)


def noise_whitened(first: Vectors, second: Vectors, posteriors: Sequence[Floats]) -> tuple[Vectors, Vectors]:
    """Return unit vectors in which directions weigh less where translations differ.

    :param posteriors: of the links of each pair, shape (source, target).
    """
    sure = [np.argwhere(cells > CONFIDENT) for cells in posteriors]
    apart = np.concatenate(
        [one[links[:, 0]] - two[links[:, 1]] for one, two, links in zip(first, second, sure, strict=True)]
    )
    if not len(apart):
        return first, second
    noise = (apart.T @ apart / len(apart)).astype(np.float64)
    width = len(noise)
    values, axes = np.linalg.eigh(noise + NOISE_FLOOR * np.trace(noise) / width * np.eye(width))
    # A few links between equal vectors have no noise to speak of.
    metric = (axes * np.maximum(values, 1e-12) ** -0.5).astype(np.float32)
    return (
        _split(_units(np.concatenate(first) @ metric), first),
        _split(_units(np.concatenate(second) @ metric), second),
    )
