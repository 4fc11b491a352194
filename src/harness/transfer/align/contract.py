"""The contract of all aligners, and what is done around each: empty sentences, the cache, the account.

An aligner takes tokenised sentence pairs and gives, in the same order, the links of each: (source token, target token)
with a weight above 0 and up to 1 (1 = both directions agree).
"""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from harness.transfer.align.running import RunningText

logger = logging.getLogger(__name__)


Links = dict[tuple[int, int], float]


class WordPair(NamedTuple):
    """Source and target words of one sentence pair.

    :param texts: the texts of both sides with the places of those words, where they are at hand.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    texts: tuple[RunningText, RunningText] | None = None

    @property
    def words(self) -> list[list[str]]:
        """Both sides, for the key of a cache."""
        return [list(self.source), list(self.target)]


class Aligner(Protocol):
    """What every aligner offers.

    :ivar learns: links of a pair depend on the other pairs, so that more pairs make them better.
    :ivar by_line: answers pair by pair from a list, which counts empty pairs too.
    :ivar reads_texts: links depend on the texts beside the words.
    """

    learns: bool
    by_line: bool
    reads_texts: bool

    @property
    def identity(self) -> Mapping[str, object]:
        """What the links depend on besides the pairs; enters the key of the cache."""

    def align(self, pairs: Sequence[WordPair]) -> list[Links]:
        """Return the links of each pair; no pair has an empty side, except for those that answer by line."""
