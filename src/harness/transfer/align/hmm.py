"""The statistical aligner: a hidden Markov model with fertilities in both directions, sampled so that they agree.

Needs no download, no GPU, no encoder and no copyleft package. The model is that of
:mod:`harness.transfer.align.sampler`; the prior of a pair of words grows with their spelling's likeness: names, numbers
and drug names often travel unchanged. Deterministic.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from harness.config import AlignerCard
from harness.transfer.align.contract import Links, WordPair
from harness.transfer.align.lexicon import Lexicon, Singles, Vocabulary
from harness.transfer.align.pieces import proportional_parts
from harness.transfer.align.sampler import sampled_posteriors
from harness.transfer.align.symmetrise import Pairs, symmetrise
from harness.transfer.align.words import comparison_key

LONGEST = 200
"""Words; the cost of a pair grows with the product of its lengths: longer ones are aligned in proportional parts."""


class HmmAligner:
    """Learns from all the pairs it is given; needs no download. Weight = mean posterior of both directions."""

    learns = True
    by_line = False
    reads_texts = False

    def __init__(self, card: AlignerCard) -> None:
        self._prefix = card.prefix
        self._threshold = card.threshold
        self._symmetrise = card.symmetrise

    @property
    def identity(self) -> Mapping[str, object]:
        """Everything the links depend on."""
        return {
            "kind": "hmm", "version": 2, "prefix": self._prefix, "threshold": self._threshold,
            "symmetrise": self._symmetrise,
        }  # fmt: skip

    def align(self, pairs: Sequence[WordPair]) -> list[Links]:
        """Return the links of each pair."""
        if not pairs:
            return []
        pieces = [(number, piece) for number, pair in enumerate(pairs) for piece in proportional_parts(pair, LONGEST)]
        sources = [[comparison_key(pairs[n].source[i], self._prefix) for i in range(*rows)] for n, (rows, _) in pieces]
        targets = [
            [comparison_key(pairs[n].target[j], self._prefix) for j in range(*columns)] for n, (_, columns) in pieces
        ]
        posteriors = sampled_posteriors(Lexicon(Vocabulary(sources), Vocabulary(targets)))
        links: list[Links] = [{} for _ in pairs]
        for (number, (rows, columns)), ahead, back in zip(pieces, *posteriors, strict=True):
            mean = (ahead + back) / np.float32(2)
            for i, j in sorted(self._chosen(ahead, back, mean)):
                links[number][(i + rows[0], j + columns[0])] = min(1.0, float(mean[i, j]))
        return links

    def _chosen(self, ahead: Singles, back: Singles, mean: Singles) -> Pairs:
        """Return the links to keep; the union of both directions is by the mean of their posteriors."""
        if self._symmetrise == "union":
            return _at_least(mean, self._threshold)
        sides = [_at_least(block, self._threshold) for block in (ahead, back)]
        return symmetrise(sides[0], sides[1], self._symmetrise).keys()


def _at_least(block: Singles, threshold: float) -> set[tuple[int, int]]:
    return {(int(i), int(j)) for i, j in np.argwhere(block >= threshold)}
