"""One contract for every aligner, and what each does on its own."""

from hypothesis import given
from hypothesis import strategies as st

from harness.transfer.align.symmetrise import symmetrise

SETS = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


@given(SETS, SETS)
def test_symmetrisations_are_ordered_by_inclusion(forward: set[tuple[int, int]], reverse: set[tuple[int, int]]) -> None:
    made = {how: symmetrise(forward, reverse, how).keys() for how in ("intersection", "grow_diag_final_and", "union")}
    assert made["intersection"] == forward & reverse
    assert made["union"] == forward | reverse
    assert made["intersection"] <= made["grow_diag_final_and"] <= made["union"]
    assert symmetrise(forward, reverse, "forward").keys() == forward
    assert all(weight == (1.0 if link in forward & reverse else 0.5)
               for link, weight in symmetrise(forward, reverse, "union").items())  # fmt: skip


def test_grow_diag_final_and_adds_neighbours_and_free_words() -> None:
    forward, reverse = {(0, 0), (1, 1), (3, 3)}, {(0, 0), (1, 2)}
    # 1-1 and 1-2 touch 0-0 or one another's word; 3-3 has two free words and comes last.
    assert symmetrise(forward, reverse, "grow_diag_final_and").keys() == {(0, 0), (1, 1), (1, 2), (3, 3)}
