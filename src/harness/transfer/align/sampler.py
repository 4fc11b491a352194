"""Gibbs sampling of word alignments: an HMM with fertilities in both directions, coupled so that they agree.

Each word of the *generated* side has one link to a word of the *given* side, or none. Given all other links, a link is
drawn in proportion to four factors: how often the two words are linked elsewhere (Dirichlet prior, its parameters
integrated out; Mermer and Saraçlar 2011), the jumps from the link before and to the link after (Vogel et al. 1996), how
likely the given word is to have one more link (the fertility of Brown et al. 1993), and whether the other direction has
the link now. The first three are the model of Östling and Tiedemann (2016); the fourth plays the part of the agreement
of Liang et al. (2006). The posterior of a link is the mean of these conditional probabilities over the last sweeps.

One place of every sentence is drawn at once, in numpy: counts of other sentences are then a step old, as in distributed
samplers (Newman et al. 2009). The random numbers have a fixed seed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from harness.machine.progress import heartbeat
from harness.transfer.align.lexicon import Ints, Lexicon, Singles

SWEEPS = (5, 10, 25)
"""Sweeps through the corpus with words alone, with words and jumps, and with fertilities as well."""

START_STEPS = 10
"""Steps of model 1 before the first links are drawn; without them small corpora stay where they began."""

DIAGONAL = 4.0
"""How fast links grow rare away from the diagonal at the start (Dyer et al. 2013 learn it: about this)."""

SMALLEST = np.float32(1e-30)
"""Keeps a division by 0 out where a sentence has no more words."""

BURN_IN = 10
"""Sweeps with fertilities before the posteriors are collected."""

CHAINS = 2
"""Samplers whose posteriors are averaged; each more costs its time and makes less of a difference."""

NULL_SHARE = 0.2
"""Prior probability that a word has no counterpart."""

AGREEMENT = 2.0
"""A link that the other direction has now is likelier by 1 + this."""

JUMP_PRIOR = 0.5
"""Pseudo-count of each length of a jump."""

FERTILITY_PRIOR = 1.0
"""Pseudo-count of a word's fertilities, spread as those of all words."""

MOST_LINKS = 6
"""Higher fertilities count as this one."""

BATCH = 256
"""Sentences of similar length that are padded to one array."""

NOTHING = -1
"""The link of a word without counterpart."""


@dataclass
class _Batch:
    """Sentences of similar length, those with the most generated words first; arrays begin with the generated place.

    :param members: the sentences.
    :param active: for each place, how many of the sentences are that long.
    :param lengths: of the generated and the given sides.
    :param pairs: place × sentence × given place: number of the pair of words.
    :param places: place × sentence: where the word stands in the running text of its side.
    :param given_places: sentence × given place: likewise.
    :param given: sentence × given place: number of the word.
    :param links: place × sentence: given place, or NOTHING.
    :param fertility: sentence × given place: how many links it has.
    :param ratios: sentence × given place × fertility: odds of one more link.
    :param odds: sentence × given place: those at its present fertility.
    :param posterior: like pairs; a sum over sweeps.
    """

    members: Ints
    active: Ints
    lengths: tuple[Ints, Ints]
    pairs: Ints
    places: Ints
    given_places: Ints
    given: Ints
    links: Ints
    fertility: Ints
    posterior: Singles
    ratios: Singles
    odds: Singles


def sampled_posteriors(lexicon: Lexicon) -> tuple[list[Singles], list[Singles]]:
    """Return the posterior of every link, source × target for each sentence, in both directions.

    Direction 0 generates the target words, 1 the source words.
    """
    sums = _chain(lexicon, 1)
    for seed in range(2, CHAINS + 1):
        for side, more in zip(sums, _chain(lexicon, seed), strict=True):
            for block, other in zip(side, more, strict=True):
                block += other
    for side in sums:
        for block in side:
            block /= CHAINS * (SWEEPS[2] - BURN_IN)
    return sums


def _chain(lexicon: Lexicon, seed: int) -> tuple[list[Singles], list[Singles]]:
    """Return the sums of the posteriors of one sampler."""
    random = np.random.default_rng(seed)
    first, second = (_Direction(lexicon, direction, _batches(lexicon, direction), random) for direction in (0, 1))
    advance = heartbeat(f"aligning, sampler {seed} of {CHAINS}", sum(SWEEPS))
    for stage, sweeps in enumerate(SWEEPS):
        for sweep in range(sweeps):
            collect = stage == 2 and sweep >= BURN_IN
            first.sweep(second.current, stage, collect=collect)
            second.sweep(first.current, stage, collect=collect)
            advance()
    return first.collected(), second.collected()


class _Direction:
    """One direction: its links and what is counted of them.

    :ivar current: links of the running text of the generated side; the last is padding.
    """

    def __init__(self, lexicon: Lexicon, direction: int, batches: list[_Batch], random: np.random.Generator) -> None:
        given, generated = lexicon.sides[direction], lexicon.sides[1 - direction]
        self._direction = direction
        self._batches, self._random = batches, random
        # Odds of having no counterpart: such words come by their share of the text; the last is padding.
        self._nothing = np.append(generated.shares[generated.numbers] * NULL_SHARE / (1 - NULL_SHARE), 0.0).astype(
            np.float32
        )
        self._counts, self._given_counts = lexicon.prior.copy(), lexicon.totals[direction].copy()
        self._reach = int(given.lengths.max()) + 1
        self._jumps = np.ones(2 * self._reach + 1, np.float32)
        self.current: Ints = np.full(len(generated.numbers) + 1, NOTHING, dtype=np.int64)
        self._start()

    def _start(self) -> None:
        """Draw first links by IBM model 1 (Brown et al. 1993), which begins near the diagonal and with words alike."""
        prior, totals = self._counts, self._given_counts
        counts, given_counts = prior + np.float32(0.05), np.ones_like(totals)
        for step in range(START_STEPS):
            added, added_given = np.zeros(len(prior)), np.zeros(len(totals))
            for batch in self._batches:
                weights = _first_weights(batch, counts, given_counts, near=step == 0)
                weights /= np.maximum(weights.sum(axis=2, keepdims=True), SMALLEST)
                added += np.bincount(batch.pairs.ravel(), weights.ravel(), len(prior))
                added_given += np.bincount(batch.given.ravel(), weights.sum(axis=0).ravel(), len(totals))
            counts = (prior + added).astype(np.float32)
            given_counts = (totals + added_given).astype(np.float32)
        for batch in self._batches:
            weights = _first_weights(batch, counts, given_counts, near=True)
            for place, active in enumerate(map(int, batch.active)):
                drawn = self._draw(weights[place, :active], np.zeros(active, np.float32))
                self._move(batch, place, active, drawn, 1)

    def sweep(self, other: Ints, stage: int, *, collect: bool) -> None:
        """Draw every link anew.

        :param other: the links of the other direction.
        :param stage: 0 words alone, 1 with jumps, 2 with fertilities and agreement.
        :param collect: add up the posteriors.
        """
        if stage >= 1:
            self._jumps = self._counted_jumps()
        if stage == 2:
            self._set_ratios()
        for batch in self._batches:
            self._sweep_batch(batch, other, stage, collect=collect)

    def _sweep_batch(self, batch: _Batch, other: Ints, stage: int, *, collect: bool) -> None:
        partners = other[batch.given_places]
        following = _following(batch)
        # Rows of windows: jumps[column - before] and jumps[after - column] for all columns of a sentence at once.
        width = batch.given.shape[1]
        windows = sliding_window_view(self._jumps, width), sliding_window_view(self._jumps[::-1], width)
        before = np.full(len(batch.members), -1)
        for place, active in enumerate(map(int, batch.active)):
            self._move(batch, place, active, batch.links[place, :active], -1)
            weights, nothing = self._words(batch, place, active)
            if stage >= 1:
                last, after = before[:active], following[place, :active]
                weights *= windows[0][self._reach - last]
                weights *= windows[1][self._reach - after]
                nothing = nothing * self._jumps[after - last + self._reach]
            else:
                weights /= batch.lengths[1][:active, None]
            if stage == 2:
                weights *= batch.odds[:active]
                weights *= np.float32(1) + np.float32(AGREEMENT) * (partners[:active] == place)
            if collect:
                batch.posterior[place, :active] += weights / (weights.sum(axis=1) + nothing)[:, None]
            drawn = self._draw(weights, nothing)
            self._move(batch, place, active, drawn, 1)
            before[:active] = np.where(drawn >= 0, drawn, before[:active])

    def _words(self, batch: _Batch, place: int, active: int) -> tuple[Singles, Singles]:
        """Return the factor of the words, for each given word and for none; 0 where a sentence has no more words."""
        pairs, given = batch.pairs[place, :active], batch.given[:active]
        weights = self._counts[pairs] / self._given_counts[given]
        return weights, self._nothing[batch.places[place, :active]]

    def _draw(self, weights: Singles, nothing: Singles) -> Ints:
        """Draw one column for each row, or NOTHING."""
        summed = np.cumsum(weights, axis=1)
        limits = self._random.random(len(weights), dtype=np.float32) * (summed[:, -1] + nothing)
        drawn = (summed <= limits[:, None]).sum(axis=1)
        return np.where(drawn < weights.shape[1], drawn, NOTHING)

    def _move(self, batch: _Batch, place: int, active: int, links: Ints, step: int) -> None:
        """Count the links of one place in (``step`` 1) or out (-1)."""
        linked = np.flatnonzero(links >= 0)
        columns = links[linked]
        np.add.at(self._counts, batch.pairs[place, linked, columns], np.float32(step))
        np.add.at(self._given_counts, batch.given[linked, columns], np.float32(step))
        fertility = batch.fertility[linked, columns] + step
        batch.fertility[linked, columns] = fertility
        batch.odds[linked, columns] = batch.ratios[linked, columns, np.minimum(fertility, MOST_LINKS)]
        if step == 1:
            batch.links[place, :active] = links
            self.current[batch.places[place, :active]] = links

    def _counted_jumps(self) -> Singles:
        """Return the share of each jump, -reach … reach.

        Every length has a count of its own. One parameter for all long jumps would give each of them the weight of all.
        """
        counts = np.full(2 * self._reach + 1, JUMP_PRIOR)
        for batch in self._batches:
            before = np.full(len(batch.members), -1)
            for place, active in enumerate(batch.active):
                links = batch.links[place, :active]
                linked = links >= 0
                jumps = links[linked] - before[:active][linked]
                counts += np.bincount(jumps + self._reach, minlength=len(counts))
                before[:active] = np.where(linked, links, before[:active])
            counts += np.bincount(batch.lengths[1] - before + self._reach, minlength=len(counts))
        return np.asarray(counts / counts.sum(), dtype=np.float32)

    def _set_ratios(self) -> None:
        """Set the odds of one more link for each word, its present place left out of the counts."""
        table = np.zeros((len(self._given_counts), MOST_LINKS + 1), np.float32)
        for batch in self._batches:
            np.add.at(table, (batch.given, np.minimum(batch.fertility, MOST_LINKS)), 1)
        table[-1] = 0
        overall = table.sum(axis=0) + 0.5
        prior = FERTILITY_PRIOR * overall / overall.sum()
        for batch in self._batches:
            counts = table[batch.given]
            own = np.minimum(batch.fertility, MOST_LINKS)[:, :, None]
            np.put_along_axis(counts, own, np.take_along_axis(counts, own, axis=2) - 1, axis=2)
            counts = np.maximum(counts, 0) + prior
            # The last one stands for all higher fertilities: one more costs what the last step did.
            ratios = counts[:, :, 1:] / counts[:, :, :-1]
            batch.ratios = np.concatenate([ratios, ratios[:, :, -1:]], axis=2).astype(np.float32)
            batch.odds = np.take_along_axis(batch.ratios, own, axis=2)[:, :, 0]

    def collected(self) -> list[Singles]:
        """Return the added posteriors of each sentence, source × target."""
        found: dict[int, Singles] = {}
        for batch in self._batches:
            for column, number in enumerate(batch.members):
                rows, columns = batch.lengths[0][column], batch.lengths[1][column]
                block = batch.posterior[:rows, column, :columns]
                found[int(number)] = (block if self._direction else block.T).copy()
        return [found[number] for number in range(len(found))]


def _first_weights(batch: _Batch, counts: Singles, given_counts: Singles, *, near: bool) -> Singles:
    """Return the factor of the words for all places of a batch, with one for places near the diagonal or without."""
    weights = counts[batch.pairs] / given_counts[batch.given]
    if near:
        generated, given = batch.lengths
        rows = (np.arange(len(batch.pairs)) + 0.5)[:, None] / generated[None, :]
        columns = (np.arange(batch.given.shape[1]) + 0.5)[None, :] / given[:, None]
        weights *= np.exp(-DIAGONAL * np.abs(columns[None] - rows[:, :, None]))
    weights *= batch.pairs < len(counts) - 1
    return np.asarray(weights, dtype=np.float32)


def _following(batch: _Batch) -> Ints:
    """Return for each place the next link after it; the end of the given side where none follows."""
    following = np.empty_like(batch.links)
    current = batch.lengths[1].copy()
    for place in range(len(batch.links) - 1, -1, -1):
        following[place] = current
        current = np.where(batch.links[place] >= 0, batch.links[place], current)
    return following


def _batches(lexicon: Lexicon, direction: int) -> list[_Batch]:
    """Return the sentences of one direction in batches of similar length."""
    order = np.argsort(lexicon.sides[direction].lengths, kind="stable")
    parts = np.array_split(order, max(1, -(-len(order) // BATCH)))
    return [_batch(lexicon, direction, part) for part in parts]


def _batch(lexicon: Lexicon, direction: int, members: Ints) -> _Batch:
    given, generated = lexicon.sides[direction], lexicon.sides[1 - direction]
    members = members[np.argsort(-generated.lengths[members], kind="stable")]
    rows, columns = generated.lengths[members], given.lengths[members]
    steps, width = int(rows.max()), int(columns.max())
    pairs = np.full((steps, len(members), width), lexicon.size, dtype=np.int64)
    for column, number in enumerate(members):
        block = lexicon.block(int(number))
        pairs[: rows[column], column, : columns[column]] = block if direction else block.T
    places = np.arange(steps)[:, None] + generated.starts[members][None, :]
    places[np.arange(steps)[:, None] >= rows[None, :]] = len(generated.numbers)
    given_places = np.arange(width)[None, :] + given.starts[members][:, None]
    given_places[np.arange(width)[None, :] >= columns[:, None]] = len(given.numbers)
    return _Batch(
        members=members,
        active=(rows[None, :] > np.arange(steps)[:, None]).sum(axis=1),
        lengths=(rows, columns),
        pairs=pairs,
        places=places,
        given_places=given_places,
        given=np.append(given.numbers, len(given.words))[given_places],
        links=np.full((steps, len(members)), NOTHING, dtype=np.int64),
        fertility=np.zeros((len(members), width), dtype=np.int64),
        posterior=np.zeros(pairs.shape, np.float32),
        ratios=np.ones((len(members), width, MOST_LINKS + 1), np.float32),
        odds=np.ones((len(members), width), np.float32),
    )
