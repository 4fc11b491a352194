"""Sentences as arrays: words, the pieces an encoder reads, the first piece of each word, tag ids.

A word is a token of the corpus where it has tokens; in raw text it is a unit the encoder's tokenizer or
:func:`harness.languages.word_offsets` gives. Labels stand on first pieces. Long sentences become windows that
overlap; each word is trained on and predicted in the one window where it has the most context, so nothing is
cut and nothing counts twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.labels import spans_from_tags, tags_from_spans
from harness.records import Sentence, Span

Integers = NDArray[np.int32]

IGNORED = -100
"""Tag id of a word that the loss passes over; torch's default ``ignore_index``."""


@dataclass(frozen=True, slots=True)
class EncodedSentence:
    """One sentence as an encoder sees it.

    :param words: character offsets of the units that get a label, shape (words, 2).
    :param pieces: piece ids without special ones, shape (pieces,).
    :param first: index of each word's first piece, -1 where the tokenizer left nothing of it, shape (words,).
    """

    words: tuple[tuple[int, int], ...]
    pieces: Integers
    first: Integers


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one sentence that fits the encoder.

    :param sentence: index of the sentence.
    :param pieces: piece ids without special ones.
    :param words: indices of the words labelled here, shape (labelled,).
    :param positions: their first pieces, counted from the start of the window, shape (labelled,).
    """

    sentence: int
    pieces: Integers
    words: Integers
    positions: Integers


def first_pieces(words: Sequence[tuple[int, int]], offsets: NDArray[np.int64]) -> Integers:
    """Return the first piece that shares a character with each word, -1 for none.

    :param offsets: character offsets of the pieces, non-decreasing, shape (pieces, 2).
    """
    if not len(words):
        return np.zeros(0, dtype=np.int32)
    if not len(offsets):
        return np.full(len(words), -1, dtype=np.int32)
    spans = np.asarray(words)
    found = np.searchsorted(np.maximum.accumulate(offsets[:, 1]), spans[:, 0], side="right")
    inside = np.minimum(found, len(offsets) - 1)
    shares = (found < len(offsets)) & (offsets[inside, 0] < spans[:, 1])
    return np.where(shares, found, -1).astype(np.int32)


def windows(encoded: Sequence[EncodedSentence], *, longest: int, overlap: int) -> list[Window]:
    """Cut sentences into windows of at most ``longest`` pieces; most sentences are one window.

    :param overlap: pieces two neighbouring windows share, less than ``longest``.
    """
    made = []
    for index, sentence in enumerate(encoded):
        seen = np.flatnonzero(sentence.first >= 0).astype(np.int32)
        length = len(sentence.pieces)
        if length <= longest:
            made.append(Window(index, sentence.pieces, seen, sentence.first[seen]))
            continue
        starts = np.arange(0, length - overlap, longest - overlap)
        starts = np.minimum(starts, length - longest)
        position = sentence.first[seen]
        # Distance to the nearer edge, for every window and word; negative outside the window.
        context = np.minimum(position - starts[:, None], starts[:, None] + longest - 1 - position)
        owner = context.argmax(axis=0)
        for number, start in enumerate(starts):
            mine = owner == number
            made.append(
                Window(
                    index,
                    sentence.pieces[start : start + longest],
                    seen[mine],
                    (position[mine] - start).astype(np.int32),
                )
            )
    return made


def gold_tags(
    sentences: Sequence[Sentence], encoded: Sequence[EncodedSentence], tag_ids: dict[str, int]
) -> tuple[list[Integers], int]:
    """Return the tag ids of each sentence's words, and how many spans these words cannot express exactly."""
    tags = []
    inexact = 0
    for sentence, one in zip(sentences, encoded, strict=True):
        names, inexact_here = tags_from_spans(sentence.spans, one.words)
        inexact += inexact_here
        ids = np.array([tag_ids[name] for name in names], dtype=np.int32)
        for start, end in sentence.unknown:
            ids[[begin < end and start < stop for begin, stop in one.words]] = IGNORED
        tags.append(ids)
    return tags, inexact


def unseen_words(encoded: Sequence[EncodedSentence]) -> int:
    """Count the words the tokenizer left nothing of (control characters); they are predicted O."""
    return sum(int((one.first < 0).sum()) for one in encoded)


def spans_from_tag_ids(encoded: EncodedSentence, tag_ids: Integers, names: Sequence[str]) -> tuple[Span, ...]:
    """Turn predicted tags of the words into character spans, by conlleval's rules."""
    return spans_from_tags([names[tag] for tag in tag_ids], encoded.words)
