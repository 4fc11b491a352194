"""The contract of all aligners, and what is done around each: empty sentences, the cache, the account.

An aligner takes tokenised sentence pairs and gives, in the same order, the links of each: (source token, target token)
with a weight above 0 and up to 1 (1 = both directions agree).
"""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from harness.cache import cache_key, cached_folder
from harness.config import AlignerCard
from harness.errors import DataError

logger = logging.getLogger(__name__)

Links = dict[tuple[int, int], float]


class WordPair(NamedTuple):
    """Source and target words of one sentence pair."""

    source: tuple[str, ...]
    target: tuple[str, ...]


class Aligner(Protocol):
    """What every aligner offers.

    :ivar learns: links of a pair depend on the other pairs, so that more pairs make them better.
    :ivar by_line: answers pair by pair from a list, which counts empty pairs too.
    """

    learns: bool
    by_line: bool

    @property
    def identity(self) -> Mapping[str, object]:
        """What the links depend on besides the pairs; enters the key of the cache."""

    def align(self, pairs: Sequence[WordPair]) -> list[Links]:
        """Return the links of each pair; no pair has an empty side, except for those that answer by line."""


def align_pairs(aligner: Aligner, pairs: Sequence[WordPair], *, keep: bool = True) -> list[Links]:
    """Align sentence pairs; a pair with an empty side has no links.

    :param keep: store the links and read them again when the same pairs come with the same settings; off for
        restricted corpora.
    """
    filled = [number for number, pair in enumerate(pairs) if aligner.by_line or (pair.source and pair.target)]
    asked = [pairs[number] for number in filled]
    if not asked:
        return [{} for _ in pairs]
    found = _cached(aligner, asked) if keep else aligner.align(asked)
    if len(found) != len(asked):
        raise DataError(f"the aligner answered {len(found)} of {len(asked)} sentence pairs")
    links: list[Links] = [{} for _ in pairs]
    for number, one in zip(filled, found, strict=True):
        links[number] = one
    return links


def _cached(aligner: Aligner, pairs: Sequence[WordPair]) -> list[Links]:
    key = cache_key("alignment", aligner=dict(aligner.identity), pairs=[list(pair) for pair in pairs])

    def write(folder: Path) -> None:
        logger.info("aligning %d sentence pairs", len(pairs))
        rows = ([[i, j, round(weight, 6)] for (i, j), weight in sorted(one.items())] for one in aligner.align(pairs))
        (folder / "links.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    folder = cached_folder("alignments", key, write)
    lines = (folder / "links.jsonl").read_text(encoding="utf-8").splitlines()
    return [{(i, j): weight for i, j, weight in json.loads(line)} for line in lines]


def open_aligner(card: AlignerCard, folder: Path, *, languages: tuple[str, str] = ("", "")) -> Aligner:
    """Return the aligner a card names.

    :param folder: what a relative path of links or priors starts from.
    :param languages: source and target, for engines that need them.
    :raises DependencyError: an optional package is missing; the message holds the command.
    """
    if card.kind == "hmm":
        from harness.transfer.align.statistical import HmmAligner

        return HmmAligner(card)
    if card.kind == "eflomal":
        from harness.transfer.align.eflomal import EflomalAligner

        return EflomalAligner(card, folder)
    if card.kind == "embedding":
        from harness.transfer.align.embedding import EmbeddingAligner

        return EmbeddingAligner(card)
    if card.kind == "file":
        from harness.transfer.align.pharaoh import FileAligner

        return FileAligner(card, folder)
    raise DataError("no aligner is chosen; give aligner=hmm, eflomal, simalign, awesome or links")
