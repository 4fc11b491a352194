"""The default aligner as a component: :mod:`harness.transfer.align.hmm` behind the contract."""

from collections.abc import Mapping, Sequence

import numpy as np

from harness.config import AlignerCard
from harness.transfer.align.contract import Links, WordPair
from harness.transfer.align.hmm import HmmModel
from harness.transfer.align.symmetrise import symmetrise
from harness.transfer.align.words import comparison_key

LONGEST = 200
"""Words; the cost of a pair grows with the product of its lengths: longer ones are aligned in proportional parts."""


class HmmAligner:
    """Learns from all the pairs it is given; needs no download. Weight = mean posterior of both directions."""

    learns = True
    by_line = False

    def __init__(self, card: AlignerCard) -> None:
        self._prefix = card.prefix
        self._threshold = card.threshold
        self._symmetrise = card.symmetrise

    @property
    def identity(self) -> Mapping[str, object]:
        """Everything the links depend on."""
        return {
            "kind": "hmm", "version": 1, "prefix": self._prefix, "threshold": self._threshold,
            "symmetrise": self._symmetrise,
        }  # fmt: skip

    def align(self, pairs: Sequence[WordPair]) -> list[Links]:
        """Return the links of each pair."""
        pieces = [(number, piece) for number, pair in enumerate(pairs) for piece in _pieces(pair)]
        model = HmmModel(
            [[comparison_key(pairs[n].source[i], self._prefix) for i in range(*rows)] for n, (rows, _) in pieces],
            [[comparison_key(pairs[n].target[j], self._prefix) for j in range(*columns)] for n, (_, columns) in pieces],
        )
        forward, reverse = model.train()
        links: list[Links] = [{} for _ in pairs]
        for (number, (rows, columns)), ahead, back in zip(
            pieces, model.blocks(forward), model.blocks(reverse), strict=True
        ):
            sides = [{(int(i), int(j)) for i, j in np.argwhere(block >= self._threshold)} for block in (ahead, back)]
            for i, j in symmetrise(sides[0], sides[1], self._symmetrise):
                weight = float(ahead[i, j] + back[i, j]) / 2
                links[number][(i + rows[0], j + columns[0])] = weight
        return links


def _pieces(pair: WordPair) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Cut a very long pair into parts at proportional places; nearly every pair is one part."""
    count = -(-max(len(pair.source), len(pair.target)) // LONGEST)
    count = min(count, len(pair.source), len(pair.target))
    rows = np.linspace(0, len(pair.source), count + 1).astype(int).tolist()
    columns = np.linspace(0, len(pair.target), count + 1).astype(int).tolist()
    return [((rows[k], rows[k + 1]), (columns[k], columns[k + 1])) for k in range(count)]
