"""Words and pairs of words as numbers."""

import numpy as np
import pytest

from harness.transfer.align.lexicon import LEXICAL_PRIOR, Lexicon, Vocabulary, spelling_likeness


def test_spelling_likeness_is_dice_over_letter_pairs() -> None:
    first, second = ["aspirin", "cat"], ["aspirina", "cat", "dog"]
    index = np.array([0, 1, 1]), np.array([0, 1, 2])
    found = spelling_likeness(first, second, *index)
    # ' aspirin ' has 8 different pairs, ' aspirina ' 9, they share 7: 2 * 7 / 17.
    assert found.tolist() == pytest.approx([14 / 17, 1.0, 0.0])


def test_pairs_are_numbered_once_and_their_prior_follows_spelling() -> None:
    lexicon = Lexicon(Vocabulary([["a", "taxi"], ["a"]]), Vocabulary([["ein", "taxi"], ["ein", "ein"]]))
    assert lexicon.size == 4
    assert lexicon.block(0).shape == (2, 2) and lexicon.block(1).shape == (1, 2)
    assert lexicon.block(1)[0, 0] == lexicon.block(1)[0, 1] == lexicon.block(0)[0, 0]
    assert lexicon.prior[lexicon.block(0)[1, 1]] == pytest.approx(LEXICAL_PRIOR + 0.5)
    assert lexicon.prior[lexicon.size] == 0  # padding


def test_shares_are_of_the_running_text() -> None:
    words = Vocabulary([["a", "b"], ["a", "a"]])
    assert words.shares.tolist() == [0.75, 0.25] and words.of(1).tolist() == [0, 0]
