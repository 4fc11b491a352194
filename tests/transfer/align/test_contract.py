"""One contract for every aligner."""

import pytest

from harness.machine.store import DiskStore
from harness.transfer.align.contract import Aligner
from harness.transfer.align.pairs import align_pairs
from tests.transfer.align_cases import PAIRS

KINDS = ["joint", "hmm", "eflomal", "argmax", "itermax", "match", "softmax", "file"]


@pytest.mark.parametrize("aligner", KINDS, indirect=True)
def test_every_aligner_keeps_order_count_and_bounds(aligner: Aligner) -> None:
    found = align_pairs(aligner, PAIRS, DiskStore())
    assert len(found) == len(PAIRS)
    assert found[1] == found[2] == {}
    for pair, links in zip(PAIRS, found, strict=True):
        assert all(0 <= i < len(pair.source) and 0 <= j < len(pair.target) for i, j in links)
        assert all(0 < weight <= 1 for weight in links.values())
    assert found[3], "one word against one word"
    assert align_pairs(aligner, PAIRS, DiskStore()) == [
        {link: round(weight, 6) for link, weight in one.items()} for one in found
    ], "kept and read again"
