"""Similarities of words: centring, hubs, noise."""

import numpy as np

from harness.transfer.align.closeness import centred, noise_whitened, similarities


def vectors(seed: int, texts: int = 6, words: int = 5, width: int = 8) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [draw.normal(size=(words, width)).astype(np.float32) for _ in range(texts)]


def test_centring_takes_a_language_off() -> None:
    plain = centred(vectors(0))
    moved = centred([words + 5 for words in vectors(0)])
    assert all(np.allclose(one, two, atol=1e-5) for one, two in zip(plain, moved, strict=True))
    assert all(np.allclose(np.linalg.norm(words, axis=1), 1, atol=1e-5) for words in plain)


def test_translations_are_closest() -> None:
    first = centred(vectors(0))
    draw = np.random.default_rng(1)
    second = centred([words + draw.normal(scale=0.1, size=words.shape).astype(np.float32) for words in vectors(0)])
    for cells in similarities(first, second):
        assert (cells.argmax(axis=1) == np.arange(5)).all()


def test_directions_in_which_translations_differ_weigh_less() -> None:
    first = vectors(0, texts=60)
    draw = np.random.default_rng(1)
    noise = np.array([3.0] + [0.05] * 7)  # the first direction says nothing
    second = [words + (noise * draw.normal(size=words.shape)).astype(np.float32) for words in first]
    first, second = centred(first), centred(second)
    sure = [np.eye(5) for _ in first]
    whitened = noise_whitened(first, second, sure)

    def right(one: list[np.ndarray], two: list[np.ndarray]) -> float:
        return float(np.mean([(cells.argmax(axis=1) == np.arange(5)).mean() for cells in similarities(one, two)]))

    assert right(*whitened) > right(first, second)
    same = noise_whitened(first, second, [np.zeros((5, 5)) for _ in first])
    assert same[0] is first, "nothing sure, nothing learned"


def test_words_without_a_piece_are_close_to_none() -> None:
    with_gap = vectors(0)
    with_gap[0][2] = 0
    made = centred(with_gap)
    assert not made[0][2].any()
    alone = centred([np.delete(with_gap[0], 2, axis=0), *with_gap[1:]])
    assert np.allclose(np.delete(made[0], 2, axis=0), alone[0], atol=1e-6)
