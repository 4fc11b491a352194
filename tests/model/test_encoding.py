import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.model.encoding import EncodedSentence, first_pieces, windows


def test_a_word_takes_the_first_piece_that_shares_a_character_with_it() -> None:
    # 'unhappy, x' as pieces un|happy|,| x (the last with its blank, as byte-level tokenizers cut)
    offsets = np.array([[0, 2], [2, 7], [7, 8], [8, 10]])
    assert first_pieces([(0, 7), (7, 8), (9, 10)], offsets).tolist() == [0, 2, 3]


def test_a_piece_over_two_words_serves_both_and_a_lost_word_none() -> None:
    assert first_pieces([(0, 1), (1, 2), (5, 6)], np.array([[0, 2]])).tolist() == [0, 0, -1]
    assert first_pieces([(0, 1)], np.zeros((0, 2), dtype=np.int64)).tolist() == [-1]
    assert first_pieces([], np.array([[0, 2]])).tolist() == []


@given(st.integers(1, 400), st.integers(8, 40), st.integers(0, 4))
def test_every_word_is_labelled_in_exactly_one_window(pieces: int, longest: int, overlap: int) -> None:
    first = np.arange(0, pieces, 2, dtype=np.int32)
    words = tuple((2 * number, 2 * number + 1) for number in range(len(first)))
    sentence = EncodedSentence(words, np.arange(pieces, dtype=np.int32), first)
    made = windows([sentence], longest=longest, overlap=overlap)
    assert sorted(np.concatenate([window.words for window in made]).tolist()) == list(range(len(words)))
    for window in made:
        assert len(window.pieces) <= longest
        # The piece at a word's position is the word's own first piece.
        assert (window.pieces[window.positions] == first[window.words]).all()


def test_a_word_is_labelled_where_it_has_the_most_context() -> None:
    sentence = EncodedSentence(
        tuple((number, number + 1) for number in range(16)),
        np.arange(16, dtype=np.int32),
        np.arange(16, dtype=np.int32),
    )
    first, second = windows([sentence], longest=10, overlap=4)
    # Windows 0-9 and 6-15: pieces 6 and 7 are 3 and 2 from the end of the first, 0 and 1 from the start of the second.
    assert first.words.tolist() == list(range(8))
    assert second.words.tolist() == list(range(8, 16))


def test_an_empty_sentence_is_a_window_without_words() -> None:
    (window,) = windows([EncodedSentence((), np.zeros(0, np.int32), np.zeros(0, np.int32))], longest=8, overlap=2)
    assert len(window.words) == 0
