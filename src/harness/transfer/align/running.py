"""Words in their running text: what an encoder reads, and which of its pieces belong to which word.

Encoders are read on running text. Word by word, a tokenizer would put its mark of a blank before every word that a
dictionary finds in Chinese, Japanese or Thai: pieces it has hardly ever seen.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import regex
from numpy.typing import NDArray

from harness.values.languages import is_unspaced

Ints = NDArray[np.int64]

_CLOSING = regex.compile(r"[\p{Pe}\p{Pf},.;:!?%…،؛؟।۔、。，；：！？]")
_WIDE = "、。，；：！？（）「」『』《》〈〉【】"
_OPENING = regex.compile(r"[\p{Ps}\p{Pi}¿¡]")


class RunningText(NamedTuple):
    """A text and where its words stand.

    :param offsets: half-open character offsets of the words, rising.
    """

    text: str
    offsets: tuple[tuple[int, int], ...]


def running_text(words: Sequence[str]) -> RunningText:
    """Return words as running text, with blanks where scripts write them; for words whose text is not at hand."""
    text, offsets = "", []
    for word in words:
        glued = text and (_CLOSING.match(word[0]) or _OPENING.match(text[-1]) or _tight(text[-1], word[0]))
        text += "" if glued or not text else " "
        offsets.append((len(text), len(text) + len(word)))
        text += word
    return RunningText(text, tuple(offsets))


def _tight(before: str, after: str) -> bool:
    """Return True between characters of scripts without blanks, and between those and marks."""
    unspaced = is_unspaced(before) or is_unspaced(after)
    return before in _WIDE or after in _WIDE or (unspaced and not before.isascii() and not after.isascii())


def piece_owners(running: RunningText, pieces: Sequence[tuple[int, int]]) -> Ints:
    """Return (piece, word) for each word that a piece shares characters with, shape (pairs, 2).

    :param pieces: half-open character offsets of the pieces, rising.
    """
    text, words = running
    found: list[tuple[int, int]] = []
    first = 0
    for number, (start, end) in enumerate(pieces):
        while start < end and text[start].isspace():  # some tokenizers count the blank before a word to it
            start += 1
        while first < len(words) and words[first][1] <= start:
            first += 1
        word = first
        while start < end and word < len(words) and words[word][0] < end:
            found.append((number, word))
            word += 1
    return np.array(found, dtype=np.int64).reshape(-1, 2)
