"""The default aligner: a hidden Markov model in both directions, trained to agree, in numpy.

Needs no download, no GPU and no copyleft package. The parts are the field's: lexical tables by IBM model 1 (Brown et
al. 1993), first-order jumps (Vogel et al. 1996), posteriors of both directions multiplied at each step so that the
models agree (Liang et al. 2006, section 3), and a sparse Dirichlet prior by variational Bayes instead of maximum
likelihood (Riley and Gildea 2012), without which rare words become garbage collectors. The prior of a pair of words
grows with their spelling's likeness: names, numbers and drug names often travel unchanged. Deterministic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.config import AlignerCard
from harness.transfer.align.contract import Links, WordPair
from harness.transfer.align.symmetrise import symmetrise
from harness.transfer.align.words import comparison_key

Tokens = Sequence[str]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEXICAL_PRIOR = 0.001
"""Dirichlet concentration of the lexical tables: far below 1, so that a word keeps few translations."""

SPELLING_PRIOR = 0.5
"""Pseudo-count of a pair of words spelled alike."""

NULL_SHARE = 0.15
"""Prior probability that a word has no counterpart."""

JUMP_LIMIT = 8
"""Longer jumps share one parameter a direction."""


@dataclass(frozen=True)
class _Side:
    """One direction: the words of one text generate those of the other.

    :param generated_lengths: words to generate, by sentence.
    :param groups: for each length of the given sentence, the sentences that have it.
    :param transposed: target words are given, source words generated.
    """

    generated_lengths: Ints
    groups: tuple[tuple[int, Ints], ...]
    transposed: bool


class HmmModel:
    """Both directions over one set of sentence pairs.

    :param sources, targets: word keys (lower-cased, perhaps stemmed) of each sentence pair, none of them empty.
    """

    def __init__(self, sources: Sequence[Tokens], targets: Sequence[Tokens]) -> None:
        self._sources = _Vocabulary(sources)
        self._targets = _Vocabulary(targets)
        rows, columns = self._sources.lengths, self._targets.lengths
        sizes = rows * columns
        self._starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        self._rows, self._columns = rows, columns
        total = int(sizes.sum())
        first = np.empty(total, dtype=np.int64)
        second = np.empty(total, dtype=np.int64)
        for number, start in enumerate(self._starts):
            stop = start + sizes[number]
            first[start:stop] = np.repeat(self._sources.of(number), columns[number])
            second[start:stop] = np.tile(self._targets.of(number), rows[number])
        code = first * len(self._targets.words) + second
        self._pairs, self._pair_of_cell = np.unique(code, return_inverse=True)
        self._pair_source = self._pairs // len(self._targets.words)
        self._pair_target = self._pairs % len(self._targets.words)
        likeness = spelling_likeness(self._sources.words, self._targets.words, self._pair_source, self._pair_target)
        self._prior = LEXICAL_PRIOR + SPELLING_PRIOR * likeness
        self._forward = self._side(rows, columns, transposed=False)
        self._reverse = self._side(columns, rows, transposed=True)
        self._jumps = {False: _start_jumps(), True: _start_jumps()}

    def _side(self, given: Ints, generated: Ints, *, transposed: bool) -> _Side:
        groups = tuple((int(length), np.flatnonzero(given == length)) for length in np.unique(given))
        return _Side(generated, groups, transposed)

    def train(self, *, model1_steps: int = 5, hmm_steps: int = 5) -> tuple[Floats, Floats]:
        """Return the posterior of every cell in both directions after training (cells row by row, by sentence)."""
        forward, reverse = self._first_posteriors()
        for step in range(model1_steps + hmm_steps):
            agreed = forward * reverse
            tables = self._tables(agreed if step else (forward + reverse) / 2)
            if step < model1_steps:
                forward = self._model1(tables[0], self._forward)
                reverse = self._model1(tables[1], self._reverse)
            else:
                forward = self._hmm(tables[0], self._forward)
                reverse = self._hmm(tables[1], self._reverse)
        return forward, reverse

    def _first_posteriors(self) -> tuple[Floats, Floats]:
        """Start from co-occurrence: the prior and the diagonal, so that small corpora start near a sound place."""
        cells = len(self._pair_of_cell)
        forward, reverse = np.empty(cells), np.empty(cells)
        likeness = self._prior[self._pair_of_cell] + 0.05
        for number, start in enumerate(self._starts):
            rows, columns = int(self._rows[number]), int(self._columns[number])
            stop = start + rows * columns
            row = (np.arange(rows) + 0.5)[:, None] / rows
            column = (np.arange(columns) + 0.5)[None, :] / columns
            block = np.exp(-4.0 * np.abs(row - column)) * likeness[start:stop].reshape(rows, columns)
            forward[start:stop] = (block / block.sum(axis=0, keepdims=True)).ravel()
            reverse[start:stop] = (block / block.sum(axis=1, keepdims=True)).ravel()
        return forward, reverse

    def _tables(self, posterior: Floats) -> tuple[Floats, Floats]:
        """Return expected log-probabilities' exponentials: t(target | source) and t(source | target) for each pair."""
        from scipy.special import digamma

        counts = np.bincount(self._pair_of_cell, weights=posterior, minlength=len(self._pairs)) + self._prior
        tables = []
        for given, size in (
            (self._pair_source, len(self._sources.words)),
            (self._pair_target, len(self._targets.words)),
        ):
            totals = np.bincount(given, weights=counts, minlength=size)
            tables.append(np.exp(digamma(counts) - digamma(totals[given])))
        return tables[0], tables[1]

    def _null(self, side: _Side) -> Floats:
        """Return the probability of each generated word under null: its share of the text."""
        vocabulary = self._sources if side.transposed else self._targets
        return vocabulary.shares

    def _model1(self, table: Floats, side: _Side) -> Floats:
        posteriors = np.empty(len(self._pair_of_cell))
        emitted = table[self._pair_of_cell]
        null = self._null(side)
        generated = self._sources if side.transposed else self._targets
        for number, start in enumerate(self._starts):
            rows, columns = int(self._rows[number]), int(self._columns[number])
            stop = start + rows * columns
            block = emitted[start:stop].reshape(rows, columns)
            axis = 1 if side.transposed else 0
            given = block.shape[axis]
            nothing = NULL_SHARE * null[generated.of(number)]
            weight = (1 - NULL_SHARE) / given * block
            total = weight.sum(axis=axis) + nothing
            posteriors[start:stop] = (weight / (total[:, None] if side.transposed else total[None, :])).ravel()
        return posteriors

    def _hmm(self, table: Floats, side: _Side) -> Floats:
        """Forward-backward over all sentences, those with equally long given sides at once; re-estimates the jumps."""
        posteriors = np.empty(len(self._pair_of_cell))
        jumps = np.zeros_like(self._jumps[side.transposed])
        null = self._null(side)
        generated = self._sources if side.transposed else self._targets
        for length, members in side.groups:
            longest = int(side.generated_lengths[members].max())
            for part in np.array_split(members, max(1, len(members) * longest * length // 2_000_000)):
                longest = int(side.generated_lengths[part].max())
                emitted = np.ones((len(part), longest, length))
                nothing = np.ones((len(part), longest))
                mask = np.zeros((len(part), longest), dtype=bool)
                for place, number in enumerate(part):
                    block = self._block(table, int(number), side)
                    emitted[place, : len(block)] = block
                    nothing[place, : len(block)] = null[generated.of(int(number))]
                    mask[place, : len(block)] = True
                gamma, expected = _forward_backward(emitted, nothing, mask, self._jumps[side.transposed])
                jumps += expected
                for place, number in enumerate(part):
                    start = self._starts[number]
                    size = int(side.generated_lengths[number])
                    block = gamma[place, :size]
                    posteriors[start : start + size * length] = (block if side.transposed else block.T).ravel()
        self._jumps[side.transposed] = jumps + 1.0
        return posteriors

    def _block(self, table: Floats, number: int, side: _Side) -> Floats:
        """Return a sentence's emissions, generated words in rows."""
        rows, columns = int(self._rows[number]), int(self._columns[number])
        start = self._starts[number]
        cells = table[self._pair_of_cell[start : start + rows * columns]].reshape(rows, columns)
        return cells if side.transposed else np.asarray(cells.T)

    def blocks(self, cells: Floats) -> list[Floats]:
        """Return cell values as one matrix (source × target) for each sentence."""
        return [
            cells[start : start + rows * columns].reshape(rows, columns)
            for start, rows, columns in zip(self._starts, self._rows, self._columns, strict=True)
        ]


def _start_jumps() -> Floats:
    """Return weights of jumps -LIMIT…LIMIT: one step ahead is likeliest."""
    distance = np.arange(-JUMP_LIMIT, JUMP_LIMIT + 1)
    return np.asarray(np.exp(-0.5 * np.abs(distance - 1)), dtype=np.float64)


def _transitions(weights: Floats, length: int) -> tuple[Floats, Floats]:
    """Return the start distribution and the matrix of jumps between ``length`` positions, rows summing to 1."""
    places = np.arange(length)
    jump = np.clip(places[None, :] - places[:, None], -JUMP_LIMIT, JUMP_LIMIT) + JUMP_LIMIT
    matrix = weights[jump]
    start = weights[np.clip(places + 1, -JUMP_LIMIT, JUMP_LIMIT) + JUMP_LIMIT]
    return np.asarray(start / start.sum()), np.asarray(matrix / matrix.sum(axis=1, keepdims=True))


def _forward_backward(
    emitted: Floats, nothing: Floats, mask: NDArray[np.bool_], weights: Floats
) -> tuple[Floats, Floats]:
    """Return posteriors (sentence × generated × given) and expected jumps; a null word keeps the place before it."""
    sentences, steps, length = emitted.shape
    start, matrix = _transitions(weights, length)
    real = np.zeros((steps, sentences, length))
    null = np.zeros((steps, sentences, length))
    scales = np.ones((steps, sentences))
    before = np.broadcast_to(start, (sentences, length))
    previous = before
    for step in range(steps):
        moved = before if step == 0 else previous @ matrix
        live = mask[:, step, None]
        a = (1 - NULL_SHARE) * moved * emitted[:, step]
        b = NULL_SHARE * previous * nothing[:, step, None]
        scale = a.sum(axis=1) + b.sum(axis=1)
        scale = np.where(scale > 0, scale, 1.0)
        real[step] = np.where(live, a / scale[:, None], 0.0)
        null[step] = np.where(live, b / scale[:, None], 0.0)
        scales[step] = np.where(mask[:, step], scale, 1.0)
        previous = np.where(live, real[step] + null[step], previous)
    after = np.ones((sentences, length))
    gamma = np.zeros((sentences, steps, length))
    expected = np.zeros_like(weights)
    places = np.arange(length)
    jump = np.clip(places[None, :] - places[:, None], -JUMP_LIMIT, JUMP_LIMIT) + JUMP_LIMIT
    for step in range(steps - 1, -1, -1):
        live = mask[:, step, None]
        gamma[:, step] = real[step] * after
        if step == 0:
            break
        weight = np.where(live, (1 - NULL_SHARE) * emitted[:, step] * after / scales[step][:, None], 0.0)
        state = real[step - 1] + null[step - 1]
        moves = (state.T @ weight) * matrix
        expected += np.bincount(jump.ravel(), weights=moves.ravel(), minlength=len(expected))
        back = weight @ matrix.T + NULL_SHARE * (nothing[:, step] / scales[step])[:, None] * after
        after = np.where(live, back, after)
    return gamma, expected


class _Vocabulary:
    """Words of one side, as numbers."""

    def __init__(self, sentences: Sequence[Tokens]) -> None:
        self.lengths: Ints = np.array([len(sentence) for sentence in sentences], dtype=np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)
        flat = [word for sentence in sentences for word in sentence]
        self.words: list[str] = list(dict.fromkeys(flat))
        number = {word: index for index, word in enumerate(self.words)}
        self._numbers: Ints = np.array([number[word] for word in flat], dtype=np.int64)
        counts = np.bincount(self._numbers, minlength=len(self.words)).astype(np.float64)
        self.shares: Floats = counts / max(1.0, counts.sum())

    def of(self, sentence: int) -> Ints:
        """Return the word numbers of a sentence."""
        return self._numbers[self._starts[sentence] : self._starts[sentence + 1]]


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
