"""Aligning many sentence pairs, in batches, through the store."""

import json
import logging
from collections.abc import Sequence

from harness.machine.progress import progress_bar
from harness.machine.store import ResultStore, cache_key
from harness.transfer.align.contract import Aligner, Links, WordPair
from harness.values.errors import DataError

logger = logging.getLogger(__name__)


BATCH = 256
"""Sentence pairs that are kept together where pairs do not bear on each other; what a kill loses at most."""


def align_pairs(aligner: Aligner, pairs: Sequence[WordPair], store: ResultStore) -> list[Links]:
    """Align sentence pairs; a pair with an empty side has no links.

    :param store: where the links are kept, to be read again when the same pairs come with the same settings.
    """
    filled = [number for number, pair in enumerate(pairs) if aligner.by_line or (pair.source and pair.target)]
    asked = [pairs[number] for number in filled]
    if not asked:
        return [{} for _ in pairs]
    if aligner.by_line:
        computed = aligner.align(asked)
    else:
        computed = _whole(aligner, asked, store) if aligner.learns else _by_batch(aligner, asked, store)
    if len(computed) != len(asked):
        raise DataError(f"the aligner answered {len(computed)} of {len(asked)} sentence pairs")
    links: list[Links] = [{} for _ in pairs]
    for number, pair_links in zip(filled, computed, strict=True):
        rows, columns = len(pairs[number].source), len(pairs[number].target)
        outside = next((link for link in pair_links if link[0] >= rows or link[1] >= columns), None)
        if outside:
            raise DataError(f"the aligner linked {outside[0]}-{outside[1]} in a pair of {rows} and {columns} words")
        links[number] = pair_links
    return links


def _by_batch(aligner: Aligner, pairs: Sequence[WordPair], store: ResultStore) -> list[Links]:
    """Align pairs that do not bear on each other, keeping each batch as soon as it is done."""
    rows = store.rows("alignments")
    identity = dict(aligner.identity)
    keys = [cache_key("alignment", aligner=identity, pair=pair.words) for pair in pairs]
    known = rows.get(list(dict.fromkeys(keys)))
    batches = [range(start, min(start + BATCH, len(pairs))) for start in range(0, len(pairs), BATCH)]
    left = [batch for batch in batches if any(keys[number] not in known for number in batch)]
    if left:
        logger.info("aligning %d of %d sentence pairs", sum(map(len, left)), len(pairs))
    with progress_bar("aligning", len(left)) as advance:
        for batch in left:
            computed = aligner.align([pairs[number] for number in batch])
            values = {keys[number]: _written(links) for number, links in zip(batch, computed, strict=True)}
            rows.put(values)
            known |= values
            advance()
    return [_links(known[key]) for key in keys]


def _written(links: Links) -> str:
    return json.dumps([[i, j, round(weight, 6)] for (i, j), weight in sorted(links.items())])


def _links(text: str) -> Links:
    return {(i, j): weight for i, j, weight in json.loads(text)}


def _whole(aligner: Aligner, pairs: Sequence[WordPair], store: ResultStore) -> list[Links]:
    """Align pairs that are learned from together: one result for all of them."""
    asked = [[*pair.words, pair.texts] if aligner.reads_texts else pair.words for pair in pairs]
    key = cache_key("alignment", aligner=dict(aligner.identity), pairs=asked)

    def align() -> str:
        logger.info("aligning %d sentence pairs", len(pairs))
        links = aligner.align(pairs)
        if len(links) != len(pairs):
            raise DataError(f"the aligner answered {len(links)} of {len(pairs)} sentence pairs")
        return "".join(_written(pair) + "\n" for pair in links)

    return [_links(line) for line in store.text("alignments", key, "links.jsonl", align).splitlines()]
