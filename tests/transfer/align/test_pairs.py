"""One contract for every aligner, and what each does on its own."""

from pathlib import Path

import pytest

from harness.machine.store import DiskStore, MemoryStore
from harness.transfer.align.contract import Links, WordPair
from harness.transfer.align.pairs import align_pairs
from tests.transfer.align_cases import PAIRS


class Counting:
    """An aligner that counts its calls."""

    calls = 0
    identity: dict[str, object] = {"kind": "counting"}  # noqa: RUF012
    learns = by_line = reads_texts = False

    def align(self, pairs: list[WordPair]) -> list[Links]:
        Counting.calls += 1
        return [{(0, 0): 0.5} for _ in pairs]


def test_links_are_kept_but_not_for_restricted_text(tmp_path: Path) -> None:
    Counting.calls = 0
    for _ in range(2):
        align_pairs(Counting(), PAIRS, MemoryStore())
    assert Counting.calls == 2 and not (tmp_path / "cache").exists()
    for _ in range(2):
        align_pairs(Counting(), PAIRS, DiskStore())
    assert Counting.calls == 3


def test_a_killed_alignment_redoes_at_most_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    import harness.transfer.align.pairs as engine

    monkeypatch.setattr(engine, "BATCH", 2)

    class Killed(Counting):
        asked: list[WordPair] = []  # noqa: RUF012
        left = 1

        def align(self, pairs: list[WordPair]) -> list[Links]:
            if Killed.left == 0:
                raise KeyboardInterrupt
            Killed.left -= 1
            Killed.asked += pairs
            return [{(0, 0): 0.5} for _ in pairs]

    pairs = [WordPair((f"a{n}",), ("b",)) for n in range(6)]
    with pytest.raises(KeyboardInterrupt):
        align_pairs(Killed(), pairs, DiskStore())
    Killed.left = 9
    assert align_pairs(Killed(), pairs, DiskStore()) == [{(0, 0): 0.5}] * 6
    assert Killed.asked == pairs
