"""The words of a set of sentence pairs as numbers, and the pairs of words that stand in a sentence pair together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tokens = Sequence[str]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

LEXICAL_PRIOR = 0.001
"""Dirichlet concentration of each translation of a word: far below 1, so that a word keeps few of them."""

SPELLING_PRIOR = 0.5
"""Pseudo-count of a pair of words spelled alike."""


class Vocabulary:
    """Words of one side, as numbers.

    :ivar numbers: of all words in running order; those of sentence n begin at ``starts[n]``.
    :ivar shares: of each word in the text.
    """

    def __init__(self, sentences: Sequence[Tokens]) -> None:
        self.lengths: Ints = np.array([len(sentence) for sentence in sentences], dtype=np.int64)
        self.starts: Ints = np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)
        flat = [word for sentence in sentences for word in sentence]
        self.words: list[str] = list(dict.fromkeys(flat))
        number = {word: index for index, word in enumerate(self.words)}
        self.numbers: Ints = np.array([number[word] for word in flat], dtype=np.int64)
        counts = np.bincount(self.numbers, minlength=len(self.words)).astype(np.float64)
        self.shares: Floats = counts / max(1.0, counts.sum())

    def of(self, sentence: int) -> Ints:
        """Return the word numbers of a sentence."""
        return self.numbers[self.starts[sentence] : self.starts[sentence + 1]]


class Lexicon:
    """The pairs of words that stand in a sentence pair together, as numbers, with their prior counts.

    :ivar size: how many such pairs there are; the number ``size`` itself is padding, with a prior of 0.
    :ivar prior: pseudo-count of each pair.
    :ivar totals: for source and target words, the sum of the pseudo-counts of all their translations.
    """

    RARE = 10.0
    """Pseudo-counts of a word's translations in :meth:`lifts`, spread as the words of the other language are."""

    def __init__(self, sources: Vocabulary, targets: Vocabulary) -> None:
        self.sides = (sources, targets)
        self._rows, self._columns = sources.lengths, targets.lengths
        self._starts: Ints = np.concatenate([[0], np.cumsum(self._rows * self._columns)]).astype(np.int64)
        code = np.empty(int(self._starts[-1]), dtype=np.int64)
        width = len(targets.words)
        for number in range(len(self._rows)):
            products = sources.of(number)[:, None] * width + targets.of(number)[None, :]
            code[self._starts[number] : self._starts[number + 1]] = products.ravel()
        pairs, self._cells = np.unique(code, return_inverse=True)
        self.size = len(pairs)
        first, second = pairs // width, pairs % width
        self._first, self._second = first, second
        likeness = SPELLING_PRIOR * spelling_likeness(sources.words, targets.words, first, second)
        self._spelling: Floats = likeness
        self.prior: Singles = np.append(LEXICAL_PRIOR + likeness, 0.0).astype(np.float32)
        # The prior is over the whole vocabulary, not only over the words met: it holds back rare words, which would
        # else collect whatever stands beside them.
        self.totals: tuple[Singles, Singles] = (
            _padded(LEXICAL_PRIOR * width + np.bincount(first, likeness, len(sources.words))),
            _padded(LEXICAL_PRIOR * len(sources.words) + np.bincount(second, likeness, width)),
        )

    def block(self, number: int) -> Ints:
        """Return the numbers of a sentence's pairs of words, source × target."""
        cells = self._cells[self._starts[number] : self._starts[number + 1]]
        return np.asarray(cells.reshape(self._rows[number], self._columns[number]))

    def lifts(self, posteriors: Sequence[Floats]) -> tuple[list[Floats], list[Floats]]:
        """Return what expected counts say of each pair of words: log p(target | source) / p(target), and likewise of
        the source word given the target word; each of shape (source, target) for every sentence.

        The prior of a word's translations is the other language's word frequencies (MacKay and Peto 1995): of a rare
        word the counts say nothing.

        :param posteriors: of the links of each sentence, shape (source, target).
        """
        cells = np.concatenate([block.ravel() for block in posteriors])
        counts = np.bincount(self._cells, cells, self.size) + self._spelling
        sources, targets = self.sides
        return (
            self._lift(counts, self._first, targets.shares[self._second]),
            self._lift(counts, self._second, sources.shares[self._first]),
        )

    def _lift(self, counts: Floats, given: Ints, shares: Floats) -> list[Floats]:
        totals = np.bincount(given, counts)[given]
        lift = np.log((counts / shares + self.RARE) / (totals + self.RARE))
        return [lift[self.block(number)] for number in range(len(self._rows))]


def _padded(values: NDArray[np.floating[Any]]) -> Singles:
    """Return values with one more for padding, which must not be 0 since it divides."""
    return np.append(values, 1.0).astype(np.float32)


def spelling_likeness(sources: Sequence[str], targets: Sequence[str], first: Ints, second: Ints) -> Floats:
    """Return for each pair of words the Dice coefficient of their letter pairs, 0 below 0.5 and 1 for equal words."""
    from scipy.sparse import csr_matrix

    grams: dict[str, int] = {}

    def incidence(words: Sequence[str]) -> tuple[list[int], list[int]]:
        rows, columns = [], []
        for row, word in enumerate(words):
            padded = f" {word} "
            for gram in {padded[place : place + 2] for place in range(len(padded) - 1)}:
                rows.append(row)
                columns.append(grams.setdefault(gram, len(grams)))
        return rows, columns

    halves = [incidence(words) for words in (sources, targets)]
    matrices = [
        csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(words), len(grams)))
        for (rows, columns), words in zip(halves, (sources, targets), strict=True)
    ]
    sizes = [np.asarray(matrix.sum(axis=1)).ravel() for matrix in matrices]
    dice = np.empty(len(first))
    for begin in range(0, len(first), 200_000):  # bounds the memory of the products
        part = slice(begin, begin + 200_000)
        shared = np.asarray(matrices[0][first[part]].multiply(matrices[1][second[part]]).sum(axis=1)).ravel()
        dice[part] = 2 * shared / (sizes[0][first[part]] + sizes[1][second[part]])
    return np.asarray(np.where(dice >= 0.5, dice, 0.0))
