"""Very long pairs in parts: what an aligner costs grows with the product of a pair's lengths."""

import numpy as np

from harness.transfer.align.contract import WordPair

Part = tuple[tuple[int, int], tuple[int, int]]
"""First and last word of both sides."""


def proportional_parts(pair: WordPair, longest: int) -> list[Part]:
    """Cut a pair at proportional places into parts of at most so many words a side; nearly every pair is one part.

    :param longest: words of the longer side.
    """
    count = -(-max(len(pair.source), len(pair.target)) // longest)
    count = min(count, len(pair.source), len(pair.target))
    rows = np.linspace(0, len(pair.source), count + 1).astype(int).tolist()
    columns = np.linspace(0, len(pair.target), count + 1).astype(int).tolist()
    return [((rows[k], rows[k + 1]), (columns[k], columns[k + 1])) for k in range(count)]
