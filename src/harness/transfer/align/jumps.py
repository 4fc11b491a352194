"""Posteriors of links by an HMM whose states are the places of the given text (Vogel et al. 1996), in numpy.

Emissions come from outside. A word without counterpart keeps the place of the word before it (Och and Ney 2003). The
weights of jumps are fixed: learning them, or telling lengths beyond 8 apart, moved no figure by more than 0.1.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.machine.progress import heartbeat
from harness.transfer.align.states import by_size

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NULL_SHARE = 0.15
"""Prior probability that a word has no counterpart."""

JUMP_LIMIT = 8
"""Longer jumps weigh what this one does."""

WEIGHTS: Floats = np.exp(-0.5 * np.abs(np.arange(-JUMP_LIMIT, JUMP_LIMIT + 1) - 1))
"""Of the jumps from -JUMP_LIMIT to JUMP_LIMIT; the next word is likeliest."""

CELLS_AT_ONCE = 400_000
"""Padded cells of a batch."""

WIDE = 160
"""Given words from which sums of shifted rows are cheaper than a product with the matrix of all jumps."""

HIGHEST = 60.0
"""Bound of log-emissions, against overflow."""


def both_ways(ahead: Sequence[Floats], back: Sequence[Floats]) -> tuple[list[Floats], list[Floats]]:
    """Return the posteriors of both directions, shape (source, target), from log-emissions of either.

    :param ahead: of source words by target words.
    :param back: of target words by source words, likewise (source, target).
    """
    reverse = jump_posteriors([np.ascontiguousarray(cells.T) for cells in back])
    return jump_posteriors(ahead), [cells.T for cells in reverse]


def jump_posteriors(logs: Sequence[Floats]) -> list[Floats]:
    """Return posteriors, shape (generated, given) for each pair.

    :param logs: log-emissions of the same shapes; 0 is the emission of a word without counterpart.
    """
    order = sorted(range(len(logs)), key=lambda number: (max(logs[number].shape), number))
    found: list[Floats] = [np.empty((0, 0))] * len(logs)
    batches = list(by_size(order, [max(logs[number].shape) ** 2 for number in order], CELLS_AT_ONCE))
    advance = heartbeat("aligning, one of six passes", len(batches))
    for batch in batches:
        steps = np.array([logs[number].shape[0] for number in batch])
        lengths = np.array([logs[number].shape[1] for number in batch])
        emitted = np.zeros((len(batch), int(steps.max()), int(lengths.max())))
        for row, number in enumerate(batch):
            emitted[row, : steps[row], : lengths[row]] = np.exp(np.minimum(logs[number], HIGHEST))
        posteriors = forward_backward(emitted, steps, lengths)
        for row, number in enumerate(batch):
            found[number] = posteriors[row, : steps[row], : lengths[row]].copy()
        advance()
    return found


def forward_backward(emitted: Floats, steps: Ints, lengths: Ints) -> Floats:
    """Return posteriors of padded pairs, shape (pairs, generated, given).

    :param emitted: emissions, shape (pairs, generated, given); that of nothing is 1.
    :param steps, lengths: generated and given words of each pair, at least one.
    """
    pairs, longest, width = emitted.shape
    moved, moved_back = moves(width)
    inside = (np.arange(width)[None] < lengths[:, None]).astype(float)
    norm = np.maximum(moved_back(inside), 1e-30)
    start = WEIGHTS[np.clip(np.arange(width) + 1, 0, JUMP_LIMIT) + JUMP_LIMIT][None] * inside
    start /= start.sum(axis=1, keepdims=True)
    real = np.zeros((longest, pairs, width))
    scales = np.ones((longest, pairs, 1))
    previous = start
    for step in range(longest):
        live = (step < steps)[:, None]
        reached = start if step == 0 else moved(previous / norm) * inside
        linked, unlinked = (1 - NULL_SHARE) * reached * emitted[:, step], NULL_SHARE * previous
        scale = linked.sum(axis=1, keepdims=True) + unlinked.sum(axis=1, keepdims=True)
        real[step] = np.where(live, linked / scale, 0.0)
        scales[step] = np.where(live, scale, 1.0)
        previous = np.where(live, (linked + unlinked) / scale, previous)
    after = np.ones((pairs, width))
    posteriors = np.zeros((pairs, longest, width))
    for step in range(longest - 1, -1, -1):
        posteriors[:, step] = real[step] * after
        live = (step < steps)[:, None]
        weight = (1 - NULL_SHARE) * emitted[:, step] * after / scales[step]
        after = np.where(live, moved_back(weight) / norm + NULL_SHARE * after / scales[step], after)
    return posteriors


Move = Callable[[Floats], Floats]


def moves(width: int) -> tuple[Move, Move]:
    """Return two functions of rows, shape (pairs, width): all jumps ahead of them, and those back."""
    if width > WIDE:
        return lambda rows: _spread(rows, WEIGHTS), lambda rows: _spread(rows, WEIGHTS[::-1])
    places = np.arange(width)
    matrix = WEIGHTS[np.clip(places[None, :] - places[:, None], -JUMP_LIMIT, JUMP_LIMIT) + JUMP_LIMIT]
    return lambda rows: rows @ matrix, lambda rows: rows @ matrix.T


def _spread(rows: Floats, weights: Floats) -> Floats:
    """Return the rows after all jumps: column j of it is the sum over i of ``rows[:, i]`` times the weight of j - i."""
    pairs, width = rows.shape
    sums = np.concatenate([np.zeros((pairs, 1)), np.cumsum(rows, axis=1)], axis=1)
    places = np.arange(width)
    far_before = sums[:, np.maximum(places - JUMP_LIMIT, 0)]
    far_behind = sums[:, -1:] - sums[:, np.minimum(places + JUMP_LIMIT + 1, width)]
    spread: Floats = weights[-1] * far_before + weights[0] * far_behind
    reach = min(JUMP_LIMIT, width - 1)
    for jump in range(-reach, reach + 1):
        weight = weights[jump + JUMP_LIMIT]
        if jump >= 0:
            spread[:, jump:] += weight * rows[:, : width - jump]
        else:
            spread[:, :jump] += weight * rows[:, -jump:]
    return spread
