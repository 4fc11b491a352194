"""One contract for every aligner, and what each does on its own."""

from pathlib import Path

import numpy as np
import pytest

from harness.config import AlignerCard
from harness.transfer.align.contract import WordPair
from harness.transfer.align.hmm import spelling_likeness
from harness.transfer.align.open import open_aligner


def test_hmm_learns_words_from_their_company() -> None:
    words = {"red": "rojo", "green": "verde", "house": "casa", "dog": "perro", "big": "grande", "cat": "gato"}
    nouns, adjectives = ["house", "dog", "cat"], ["red", "green", "big"]
    pairs = [
        WordPair(("the", a, n), ("el", words[n], words[a]))  # Spanish puts the adjective last
        for n in nouns for a in adjectives for _ in range(3)
    ]  # fmt: skip
    links = open_aligner(AlignerCard(name="h", kind="hmm"), Path()).align(pairs)
    right = sum({(1, 2), (2, 1)} <= one.keys() and (1, 1) not in one for one in links)
    assert right == len(pairs)


def test_hmm_is_deterministic_and_follows_spelling() -> None:
    pairs = [WordPair(("take", "amoxicillin", "500"), ("nimm", "500", "Amoxicillin"))]
    aligner = open_aligner(AlignerCard(name="h", kind="hmm"), Path())
    (links,) = aligner.align(pairs)
    assert {(1, 2), (2, 1)} <= links.keys()
    assert aligner.align(pairs) == [links]


def test_spelling_likeness_is_dice_over_letter_pairs() -> None:
    first, second = ["aspirin", "cat"], ["aspirina", "cat", "dog"]
    index = np.array([0, 1, 1]), np.array([0, 1, 2])
    found = spelling_likeness(first, second, *index)
    # ' aspirin ' has 8 different pairs, ' aspirina ' 9, they share 7: 2 * 7 / 17.
    assert found.tolist() == pytest.approx([14 / 17, 1.0, 0.0])
