"""One contract for every aligner, and what each does on its own."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import AlignerCard
from harness.machine.store import DiskStore, MemoryStore
from harness.transfer.align.contract import WordPair
from harness.transfer.align.file import pharaoh_text, read_pharaoh
from harness.transfer.align.open import open_aligner
from harness.transfer.align.pairs import align_pairs
from harness.values.errors import DataError


@given(st.lists(st.sets(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=5), min_size=1, max_size=5))
def test_pharaoh_lines_come_back(tmp_path_factory: pytest.TempPathFactory, links: list[set[tuple[int, int]]]) -> None:
    path = tmp_path_factory.mktemp("p") / "links"
    path.write_text(pharaoh_text([dict.fromkeys(one, 1.0) for one in links]), encoding="utf-8")
    assert [one.keys() for one in read_pharaoh(path)] == links


def test_bad_links_name_the_line(tmp_path: Path) -> None:
    (tmp_path / "links").write_text("0-0 1-x\n", encoding="utf-8")
    with pytest.raises(DataError, match="links:1: found '1-x'"):
        read_pharaoh(tmp_path / "links")
    (tmp_path / "links").write_text("0-7\n", encoding="utf-8")
    aligner = open_aligner(AlignerCard(name="file", kind="file", path="links"), tmp_path)
    with pytest.raises(DataError, match="link 0-7 points outside 1 source and 1 target"):
        align_pairs(aligner, [WordPair(("a",), ("b",))], DiskStore())
    with pytest.raises(DataError, match="1 lines of links for 2 sentence pairs"):
        align_pairs(aligner, [WordPair(("a",), ("b",))] * 2, MemoryStore())
