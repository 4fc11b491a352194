"""Posteriors of the HMM, against all paths of a small one."""

import itertools

import numpy as np
import pytest

from harness.transfer.align import jumps
from harness.transfer.align.jumps import JUMP_LIMIT, NULL_SHARE, WEIGHTS, both_ways, jump_posteriors, moves


def by_all_paths(logs: np.ndarray) -> np.ndarray:
    """Sum over every path; state (place, linked or not)."""
    steps, width = logs.shape
    emitted = np.exp(logs)

    def weight(jump: int) -> float:
        return float(WEIGHTS[np.clip(jump, -JUMP_LIMIT, JUMP_LIMIT) + JUMP_LIMIT])

    start = np.array([weight(place + 1) for place in range(width)])
    start /= start.sum()
    found, total = np.zeros((steps, width)), 0.0
    for first in range(width):  # where the path comes from before the first word
        for path in itertools.product(range(width + 1), repeat=steps):  # width: no counterpart
            probability, place = start[first], first
            for step, state in enumerate(path):
                if state == width:
                    probability *= NULL_SHARE
                    continue
                if step == 0:
                    move = 1.0 if state == first else 0.0
                else:
                    norm = sum(weight(other - place) for other in range(width))
                    move = weight(state - place) / norm
                probability *= (1 - NULL_SHARE) * move * emitted[step, state]
                place = state
            total += probability
            for step, state in enumerate(path):
                if state < width:
                    found[step, state] += probability
    return found / total


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (3, 2), (4, 3)])
def test_posteriors_are_those_of_all_paths(shape: tuple[int, int]) -> None:
    logs = np.random.default_rng(0).normal(size=shape)
    (found,) = jump_posteriors([logs])
    assert np.allclose(found, by_all_paths(logs), atol=1e-10)


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    logs = [draw.normal(size=(draw.integers(1, 9), draw.integers(1, 9))) for _ in range(20)]
    together = jump_posteriors(logs)
    monkeypatch.setattr(jumps, "CELLS_AT_ONCE", 1)
    alone = jump_posteriors(logs)
    assert all(np.allclose(one, two) for one, two in zip(together, alone, strict=True))


@pytest.mark.parametrize("width", [1, 5, 17, 40])
def test_wide_texts_move_by_the_same_weights(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).random((3, width))
    narrow = [move(rows) for move in moves(width)]
    monkeypatch.setattr(jumps, "WIDE", 0)
    assert all(np.allclose(one, move(rows)) for one, move in zip(narrow, moves(width), strict=True))


def test_each_direction_shares_out_its_own_words() -> None:
    logs = [np.random.default_rng(0).normal(size=(4, 6))]
    (ahead,), (back,) = both_ways(logs, logs)
    assert (ahead.sum(axis=1) <= 1 + 1e-9).all() and (back.sum(axis=0) <= 1 + 1e-9).all()
    assert ahead.shape == back.shape == (4, 6)


def test_emissions_beyond_all_bounds_do_not_overflow() -> None:
    (found,) = jump_posteriors([np.array([[800.0, -800.0], [0.0, 900.0]])])
    assert np.isfinite(found).all() and found[0, 0] > 0.99
