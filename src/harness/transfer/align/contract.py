"""The contract of all aligners, and what is done around each: empty sentences, the cache, the account.

An aligner takes tokenised sentence pairs and gives, in the same order, the links of each: (source token, target token)
with a weight above 0 and up to 1 (1 = both directions agree).
"""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from harness.config import AlignerCard
from harness.machine.progress import progress_bar
from harness.machine.store import DiskRows, cache_key, cached_folder
from harness.values.errors import DataError

logger = logging.getLogger(__name__)

Links = dict[tuple[int, int], float]

BATCH = 256
"""Sentence pairs that are kept together where pairs do not bear on each other; what a kill loses at most."""


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
    if not keep or aligner.by_line:
        if not aligner.by_line:
            logger.info("aligning %d sentence pairs", len(asked))
        found = aligner.align(asked)
    else:
        found = _whole(aligner, asked) if aligner.learns else _by_batch(aligner, asked)
    if len(found) != len(asked):
        raise DataError(f"the aligner answered {len(found)} of {len(asked)} sentence pairs")
    links: list[Links] = [{} for _ in pairs]
    for number, one in zip(filled, found, strict=True):
        rows, columns = len(pairs[number].source), len(pairs[number].target)
        outside = next((link for link in one if link[0] >= rows or link[1] >= columns), None)
        if outside:
            raise DataError(f"the aligner linked {outside[0]}-{outside[1]} in a pair of {rows} and {columns} words")
        links[number] = one
    return links


def _by_batch(aligner: Aligner, pairs: Sequence[WordPair]) -> list[Links]:
    """Align pairs that do not bear on each other, keeping each batch as soon as it is done."""
    rows = DiskRows("alignments")
    identity = dict(aligner.identity)
    keys = [cache_key("alignment", aligner=identity, pair=[list(side) for side in pair]) for pair in pairs]
    known = rows.get(list(dict.fromkeys(keys)))
    batches = [range(start, min(start + BATCH, len(pairs))) for start in range(0, len(pairs), BATCH)]
    left = [batch for batch in batches if any(keys[number] not in known for number in batch)]
    if left:
        logger.info("aligning %d of %d sentence pairs", sum(map(len, left)), len(pairs))
    with progress_bar("aligning", len(left)) as advance:
        for batch in left:
            made = aligner.align([pairs[number] for number in batch])
            values = {keys[number]: _written(links) for number, links in zip(batch, made, strict=True)}
            rows.put(values)
            known |= values
            advance()
    return [_links(known[key]) for key in keys]


def _written(links: Links) -> str:
    return json.dumps([[i, j, round(weight, 6)] for (i, j), weight in sorted(links.items())])


def _links(text: str) -> Links:
    return {(i, j): weight for i, j, weight in json.loads(text)}


def _whole(aligner: Aligner, pairs: Sequence[WordPair]) -> list[Links]:
    """Align pairs that are learned from together: one result for all of them."""
    key = cache_key("alignment", aligner=dict(aligner.identity), pairs=[list(pair) for pair in pairs])

    def write(folder: Path) -> None:
        logger.info("aligning %d sentence pairs", len(pairs))
        lines = "".join(_written(one) + "\n" for one in aligner.align(pairs))
        (folder / "links.jsonl").write_text(lines, encoding="utf-8")

    folder = cached_folder("alignments", key, write)
    return [_links(line) for line in (folder / "links.jsonl").read_text(encoding="utf-8").splitlines()]


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
        from harness.transfer.align.file import FileAligner

        return FileAligner(card, folder)
    raise DataError("no aligner is chosen; give aligner=hmm, eflomal, simalign, awesome or links")
