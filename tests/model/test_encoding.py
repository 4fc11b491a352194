"""Pieces, words and labels: what a perfect tagger could find with each kind of tokenizer, in every script."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evaluation.spans import COLUMN, count_spans
from harness.model.encoding import (
    EncodedSentence,
    first_pieces,
    gold_tags,
    one_word_a_piece,
    spans_from_tag_ids,
    unreachable_spans,
    windows,
)
from harness.values.languages import word_offsets
from harness.values.records import Corpus, Sentence, Span
from tests.model.pieces_cases import LANGUAGES, encoded, perfect


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


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["unigram", "wordpiece", "bytes", "char"])
def test_a_perfect_tagger_misses_the_counted_spans_and_no_others(
    kind: str, language: str, coders: dict[str, Any], tests_of_rx_mini: dict[str, Corpus]
) -> None:
    corpus = tests_of_rx_mini[language]
    predicted, unreachable = perfect(coders[kind], corpus.sentences)
    exact = int(count_spans([s.spans for s in corpus.sentences], predicted).summed()[COLUMN["exact"]])
    assert exact == corpus.entities - unreachable
    # One label a piece: words of one sentence begin on different pieces.
    for one in coders[kind].encode(corpus.sentences):
        seen = one.first[one.first >= 0]
        assert (np.diff(seen) > 0).all()
    if language == "en":
        assert unreachable <= 3  # of some 300: English words are rarely joined


def test_units_on_one_piece_are_one_word() -> None:
    # 阿司|匹林 as two pieces of two characters: two words, not four.
    words = ((0, 1), (1, 2), (2, 3), (3, 4))
    joined, first = one_word_a_piece(words, np.array([0, 0, 1, 1], dtype=np.int32))
    assert joined == ((0, 2), (2, 4))
    assert first.tolist() == [0, 1]
    # A soft hyphen between two units of one piece lies inside their word; before and after it stays apart.
    joined, first = one_word_a_piece(
        ((0, 1), (1, 2), (2, 3), (3, 4), (5, 6)), np.array([-1, 0, -1, 0, -1], dtype=np.int32)
    )
    assert joined == ((0, 1), (1, 4), (5, 6))
    assert first.tolist() == [-1, 0, -1]


NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


@pytest.mark.parametrize(
    ("first", "tags", "spans"),
    [
        ([0, -1, 1], [1, 0, 2], [(0, 5, "PER")]),  # Anna, soft hyphen, Berg: one entity
        ([0, -1, 1], [1, 0, 1], [(0, 1, "PER"), (4, 5, "PER")]),  # two entities side by side stay two
        ([0, -1, 1], [1, 0, 4], [(0, 1, "PER"), (4, 5, "LOC")]),
        ([0, -1, -1, 1], [1, 0, 0, 2], [(0, 7, "PER")]),
        ([-1, 0, -1], [0, 1, 0], [(2, 3, "PER")]),  # at the edge it belongs to nothing
        ([0, -1, 1], [1, 0, 0], [(0, 1, "PER")]),
    ],
)
def test_a_word_without_a_piece_joins_its_neighbours(
    first: list[int], tags: list[int], spans: list[tuple[int, int, str]]
) -> None:
    found = spans_from_tag_ids(encoded(first), np.array(tags, dtype=np.int32), NAMES)
    assert [tuple(span) for span in found] == spans


def test_an_entity_that_begins_on_a_lost_word_is_taught_by_its_next() -> None:
    sentence = Sentence("1", "\u200f a b", "ar", (Span(0, 3, "PER"),), ((0, 1), (2, 3), (4, 5)))
    one = EncodedSentence(sentence.tokens or (), np.arange(2, dtype=np.int32), np.array([-1, 0, 1], dtype=np.int32))
    tags, inexact = gold_tags([sentence], [one], {name: number for number, name in enumerate(NAMES)})
    assert NAMES[tags[0][1]] == "B-PER"
    assert inexact == 1  # the mark itself cannot be found
    assert unreachable_spans(sentence, one) == 1


def test_windows_of_a_megabyte_need_no_table_of_all_words() -> None:
    import tracemalloc

    count = 300_000
    sentence = EncodedSentence(
        tuple((number, number + 1) for number in range(count)),
        np.arange(count, dtype=np.int32),
        np.arange(count, dtype=np.int32),
    )
    tracemalloc.start()
    made = windows([sentence], longest=254, overlap=64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(len(window.words) for window in made) == count
    assert peak < 100e6  # the table of 1,578 windows and 300,000 words took 3.8 GB


def test_masked_words_do_not_train(tiny_bert: Path) -> None:
    import numpy as np

    from harness.model.encoding import IGNORED, EncodedSentence, gold_tags

    sentence = Sentence("1", "ana vio roma", "es", (Span(8, 12, "LOC"),), None, ((0, 3),))
    words = word_offsets(sentence.text)
    encoded = EncodedSentence(words, np.arange(3, dtype=np.int32), np.arange(3, dtype=np.int32))
    tags, _ = gold_tags([sentence], [encoded], {"O": 0, "B-LOC": 1, "I-LOC": 2})
    assert tags[0].tolist() == [IGNORED, 0, 1]
    assert Sentence("1", "a b", "es", (), None, ((0, 1),)).with_spans(()).unknown == ((0, 1),)
