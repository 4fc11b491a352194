"""The default aligner: an encoder's similarities and a lexicon learned from the pairs, as emissions of one HMM.

Neither is strong alone on few pairs of distant languages: the encoder knows rare words and names, the lexicon what the
encoder confuses. Similarities (:mod:`harness.transfer.align.closeness`) give posteriors of both directions; their
product counts a lexicon (the agreement of Liang et al. 2006); the geometric mean of both experts gives the posteriors
that count, in both directions again. No copyleft part, no random draws.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from harness.config import AlignerCard
from harness.machine.packaged import package_identity, packaged_encoder, packed_file
from harness.machine.provenance import folder_digest
from harness.transfer.align.closeness import Floats, Vectors, centred, noise_whitened, similarities
from harness.transfer.align.contract import Links, WordPair
from harness.transfer.align.jumps import both_ways
from harness.transfer.align.lexicon import Lexicon, Vocabulary
from harness.transfer.align.pieces import proportional_parts
from harness.transfer.align.running import running_text
from harness.transfer.align.states import WordStates
from harness.transfer.align.words import comparison_key

TEMPERATURE = 0.05
"""Difference of similarity that makes a link e times as likely."""

NOTHING = -0.15
"""Similarity at which a word is as likely to have no counterpart."""

LONGEST = 400
"""Words; longer pairs are aligned in proportional parts, though read as a whole."""

ENCODER_SHARE, LEXICON_SHARE = 0.5, 1.0
"""Exponents of the two experts: similarities are sure of themselves, counts are not."""


class JointAligner:
    """Learns from all the pairs it is given; weight of a link = mean posterior of both directions.

    :raises DependencyError: the encoder's package is not installed.
    :raises ConfigError: the encoder cannot be loaded.
    """

    learns = True
    by_line = False
    reads_texts = True

    def __init__(self, card: AlignerCard) -> None:
        self._card = card
        # A package is known by its digest; the file itself is looked at when something is to be aligned.
        self._files = folder_digest(card.path) if card.path else package_identity(card.package or "")
        if card.package and not card.path:
            packed_file(card.package)
        else:
            self._states()  # a path that is wrong is told before anything slow begins

    def _states(self) -> WordStates:
        card = self._card
        return _states(card.path, card.revision, card.package, tuple(card.layers), self._files)

    @property
    def identity(self) -> Mapping[str, object]:
        """Everything the links depend on."""
        card = self._card
        return {
            "kind": "joint", "version": 1, "path": card.path, "package": card.package, "revision": card.revision,
            "files": self._files, "layers": list(card.layers), "prefix": card.prefix, "threshold": card.threshold,
        }  # fmt: skip

    def align(self, pairs: Sequence[WordPair]) -> list[Links]:
        """Return the links of each pair."""
        if not pairs:
            return []
        texts = [pair.texts or (running_text(pair.source), running_text(pair.target)) for pair in pairs]
        states = self._states()
        first, second = (centred(states.words([one[side] for one in texts])) for side in (0, 1))
        parts = [(number, part) for number, pair in enumerate(pairs) for part in proportional_parts(pair, LONGEST)]
        found = posteriors(
            [first[number][slice(*rows)] for number, (rows, _) in parts],
            [second[number][slice(*columns)] for number, (_, columns) in parts],
            Lexicon(
                self._keys([pairs[number].source[slice(*rows)] for number, (rows, _) in parts]),
                self._keys([pairs[number].target[slice(*columns)] for number, (_, columns) in parts]),
            ),
        )
        links: list[Links] = [{} for _ in pairs]
        for (number, (rows, columns)), cells in zip(parts, found, strict=True):
            for i, j in np.argwhere(cells >= self._card.threshold):
                links[number][(int(i) + rows[0], int(j) + columns[0])] = min(1.0, float(cells[i, j]))
        return links

    def _keys(self, sentences: Sequence[Sequence[str]]) -> Vocabulary:
        return Vocabulary([[comparison_key(word, self._card.prefix) for word in words] for words in sentences])


@lru_cache(maxsize=1)
def _states(
    path: str | None, revision: str | None, package: str | None, layers: tuple[int, ...], files: str
) -> WordStates:
    """Return the encoder, loaded once for all the languages of a process.

    Always with its full vocabulary: one cut to a corpus aligns others worse.

    :param files: digest of the weights, so that others under the same path are loaded anew.
    """
    return WordStates(path or str(packaged_encoder(package or "")), revision if path else None, layers)


def forget_encoder() -> None:
    """Let go of the encoder and of the texts it has read."""
    _states.cache_clear()


def posteriors(first: Vectors, second: Vectors, lexicon: Lexicon) -> list[Floats]:
    """Return the mean of both directions' posteriors of each pair, shape (source, target).

    :param first, second: centred unit vectors of the words of both sides.
    """
    alone = _scaled(similarities(first, second))
    told = _scaled(similarities(*noise_whitened(first, second, _mean(*both_ways(alone, alone)))))
    ahead, back = both_ways(told, told)
    of_target, of_source = lexicon.lifts([one * two for one, two in zip(ahead, back, strict=True)])
    return _mean(*both_ways(_joined(told, of_source), _joined(told, of_target)))


def _scaled(similar: Sequence[Floats]) -> list[Floats]:
    return [(cells - NOTHING) / TEMPERATURE for cells in similar]


def _joined(encoder: Sequence[Floats], lexicon: Sequence[Floats]) -> list[Floats]:
    return [ENCODER_SHARE * one + LEXICON_SHARE * two for one, two in zip(encoder, lexicon, strict=True)]


def _mean(ahead: Sequence[Floats], back: Sequence[Floats]) -> list[Floats]:
    return [(one + two) / 2 for one, two in zip(ahead, back, strict=True)]
