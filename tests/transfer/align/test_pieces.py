"""Long pairs in parts."""

import pytest

from harness.transfer.align.contract import WordPair
from harness.transfer.align.pieces import proportional_parts


@pytest.mark.parametrize(("source", "target"), [(3, 4), (400, 10), (1, 900), (1000, 1200), (401, 1)])
def test_every_word_is_in_one_part(source: int, target: int) -> None:
    parts = proportional_parts(WordPair(("a",) * source, ("b",) * target), 400)
    assert [place for rows, _ in parts for place in range(*rows)] == list(range(source))
    assert [place for _, columns in parts for place in range(*columns)] == list(range(target))
    assert all(rows[0] < rows[1] and columns[0] < columns[1] for rows, columns in parts)
    if min(source, target) > 3:
        assert all(max(rows[1] - rows[0], columns[1] - columns[0]) <= 401 for rows, columns in parts)
