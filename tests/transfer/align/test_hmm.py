"""One contract for every aligner, and what each does on its own."""

from pathlib import Path

import numpy as np
import pytest

from harness.config import AlignerCard
from harness.transfer.align.contract import WordPair
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


@pytest.mark.parametrize("how", ["union", "intersection", "grow_diag_final_and", "forward", "reverse"])
def test_pairs_of_any_shape_have_links_inside_them(how: str) -> None:
    pairs = [WordPair(("one",), tuple(f"w{n}" for n in range(230))), WordPair(tuple("ab" * 225), ("x",))]
    pairs.append(WordPair(("one", "two"), ("w1", "zwei")))
    links = open_aligner(AlignerCard(name="h", kind="hmm", symmetrise=how), Path()).align(pairs)  # type: ignore[arg-type]
    for pair, found in zip(pairs, links, strict=True):
        assert all(i < len(pair.source) and j < len(pair.target) and 0 < w <= 1 for (i, j), w in found.items())


def test_far_jumps_are_learned() -> None:
    # Word order turned round over long sentences: a limit on jumps would link by position.
    words = [f"w{number}" for number in range(40)]
    draw = np.random.default_rng(0)
    pairs = []
    for _ in range(60):
        chosen = [words[number] for number in draw.choice(40, 14, replace=False)]
        pairs.append(WordPair(tuple(chosen), tuple(f"x{word[1:]}y" for word in [*chosen[7:], *chosen[:7]])))
    links = open_aligner(AlignerCard(name="h", kind="hmm"), Path()).align(pairs)
    right = [sum((i, (i + 7) % 14) in one for i in range(14)) for one in links]
    assert sum(right) > 0.95 * 14 * 60
