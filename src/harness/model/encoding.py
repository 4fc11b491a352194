"""Sentences as arrays: words, the pieces an encoder reads, the first piece of each word, tag ids.

A word is a token of the corpus where it has tokens; in raw text it is a unit the encoder's tokenizer or
:func:`harness.values.languages.word_offsets` gives. Labels stand on first pieces, one label a piece: words that begin
on the
    same piece (``1/2``, Chinese characters that a vocabulary joins) are one word, because the encoder has one vector
    for them. A word of which the tokenizer leaves nothing (a soft hyphen, a direction mark) is not labelled and never
    splits an entity. Entities that words and pieces cannot express are counted (:func:`unreachable_spans`).

Long sentences become windows that overlap; each word is trained on and predicted in the one window where it has the
most context, so nothing is cut and nothing counts twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.values.labels import OUTSIDE, spans_from_tags, tags_from_spans
from harness.values.records import Sentence, Span

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
    pieces = np.searchsorted(np.maximum.accumulate(offsets[:, 1]), spans[:, 0], side="right")
    inside = np.minimum(pieces, len(offsets) - 1)
    shares = (pieces < len(offsets)) & (offsets[inside, 0] < spans[:, 1])
    return np.where(shares, pieces, -1).astype(np.int32)


def one_word_a_piece(words: Sequence[tuple[int, int]], first: Integers) -> tuple[tuple[tuple[int, int], ...], Integers]:
    """Join words that begin on the same piece into one, from the start of the first to the end of the last.

    :param first: first piece of each word, -1 for none, shape (words,).
    :returns: the words, and their first pieces.
    """
    seen = first[first >= 0]
    if len(seen) < 2 or (np.diff(seen) > 0).all():
        return tuple(words), first
    joined: list[tuple[int, int]] = []
    pieces: list[int] = []
    last = -1  # place of the last word that has a piece
    for (start, end), piece in zip(words, first.tolist(), strict=True):
        if piece >= 0 and last >= 0 and pieces[last] == piece:
            # A word without a piece between the two (a soft hyphen) is inside the joined word.
            del joined[last + 1 :], pieces[last + 1 :]
            joined[last] = (joined[last][0], end)
            continue
        joined.append((start, end))
        pieces.append(piece)
        last = len(pieces) - 1 if piece >= 0 else last
    return tuple(joined), np.array(pieces, dtype=np.int32)


def windows(encoded: Sequence[EncodedSentence], *, longest: int, overlap: int) -> list[Window]:
    """Cut sentences into windows of at most ``longest`` pieces; most sentences are one window.

    :param overlap: pieces two neighbouring windows share, less than ``longest``.
    """
    windows_of_text = []
    for index, sentence in enumerate(encoded):
        seen = np.flatnonzero(sentence.first >= 0).astype(np.int32)
        length = len(sentence.pieces)
        if length <= longest:
            windows_of_text.append(Window(index, sentence.pieces, seen, sentence.first[seen]))
            continue
        starts = np.minimum(np.arange(0, length - overlap, longest - overlap), length - longest)
        position = sentence.first[seen]
        owner = _owners(position, starts, longest)
        order = np.argsort(owner, kind="stable")
        bounds = np.searchsorted(owner[order], np.arange(len(starts) + 1))
        for number, start in enumerate(starts):
            mine = order[bounds[number] : bounds[number + 1]]
            windows_of_text.append(
                Window(
                    index,
                    sentence.pieces[start : start + longest],
                    seen[mine],
                    (position[mine] - start).astype(np.int32),
                )
            )
    return windows_of_text


def _owners(position: Integers, starts: NDArray[np.int64], longest: int) -> NDArray[np.int64]:
    """Return for each word the window in which it is farthest from an edge, the earlier of two.

    Windows begin at equal distances but for the last, so only a handful around a word can hold it: a table of all
    windows and words would take gigabytes for a text of a megabyte.

    :param position: first pieces of the words.
    :param starts: first piece of each window, rising.
    """
    # The first window that reaches a word, and the last that begins at or before it.
    low = np.searchsorted(starts + longest - 1, position, side="left")
    high = np.searchsorted(starts, position, side="right") - 1
    best = low.copy()
    most = np.full(len(position), -1, dtype=np.int64)
    for step in range(int((high - low).max(initial=0)) + 1):
        window = np.minimum(low + step, high)
        context = np.minimum(position - starts[window], starts[window] + longest - 1 - position)
        better = context > most
        best[better], most[better] = window[better], context[better]
    return best


def gold_tags(
    sentences: Sequence[Sentence], encoded: Sequence[EncodedSentence], tag_ids: dict[str, int]
) -> tuple[list[Integers], int]:
    """Return the tag ids of each sentence's words, and how many spans these words cannot express exactly.

    The first word of an entity that has a piece begins it, so that a model is taught what can be read back.
    """
    tags = []
    inexact = 0
    for sentence, pieces in zip(sentences, encoded, strict=True):
        names = _word_tags(sentence, pieces)
        inexact += unreachable_spans(sentence, pieces, names)
        ids = np.array([tag_ids[name] for name in names], dtype=np.int32)
        for start, end in sentence.unknown:
            ids[[begin < end and start < stop for begin, stop in pieces.words]] = IGNORED
        tags.append(ids)
    return tags, inexact


def _word_tags(sentence: Sentence, encoded: EncodedSentence) -> list[str]:
    names, _ = tags_from_spans(sentence.spans, encoded.words)
    if (encoded.first >= 0).all():
        return names
    begins = ""  # label of an entity whose first words have no piece
    for place, (name, piece) in enumerate(zip(names, encoded.first.tolist(), strict=True)):
        if piece < 0:
            begins = name[2:] if name.startswith("B-") else begins if name.startswith("I-") else ""
        else:
            if begins and name == f"I-{begins}":
                names[place] = f"B-{begins}"
            begins = ""
    return names


def unreachable_spans(sentence: Sentence, encoded: EncodedSentence, names: Sequence[str] | None = None) -> int:
    """Count the gold spans that a perfect tagger would not give: an edge inside a word or a piece, or no piece at all.

    :param names: the gold tags of the words, where they are at hand.
    """
    if not sentence.spans:
        return 0
    tags = _word_tags(sentence, encoded) if names is None else names
    reachable = set(spans_from_word_tags(encoded, tags))
    return sum(span not in reachable for span in sentence.spans)


def unseen_words(encoded: Sequence[EncodedSentence]) -> int:
    """Count the words the tokenizer left nothing of (control characters); they take the tag that joins their
    neighbours.
    """
    return sum(int((sentence.first < 0).sum()) for sentence in encoded)


def spans_from_word_tags(encoded: EncodedSentence, tags: Sequence[str]) -> tuple[Span, ...]:
    """Turn tags of the words into character spans, by conlleval's rules.

    A word without a piece carries no prediction: between two words of one entity it belongs to it, elsewhere it is O.
    """
    if (encoded.first >= 0).all():
        return spans_from_tags(tags, encoded.words)
    filled = list(tags)
    before = OUTSIDE
    waiting: list[int] = []
    for place, piece in enumerate(encoded.first.tolist()):
        if piece < 0:
            filled[place] = OUTSIDE
            waiting.append(place)
            continue
        tag = filled[place]
        if tag.startswith("I-") and before[2:] == tag[2:]:
            for inner in waiting:
                filled[inner] = tag
        waiting.clear()
        before = tag
    return spans_from_tags(filled, encoded.words)


def spans_from_tag_ids(encoded: EncodedSentence, tag_ids: Integers, names: Sequence[str]) -> tuple[Span, ...]:
    """Turn predicted tag ids of the words into character spans; see :func:`spans_from_word_tags`."""
    return spans_from_word_tags(encoded, [names[tag] for tag in tag_ids])
