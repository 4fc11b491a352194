import pytest

from harness.values.inline import Mark, MarkFault, take_out

OPEN, CLOSE = Mark(0, 3, False, "p"), Mark(7, 11, True, "p")


def test_marks_are_taken_out_and_what_they_held_is_a_piece() -> None:
    assert take_out("<p>Anna</p> bor", [OPEN, CLOSE]) == ("Anna bor", [("p", 0, 4)])


@pytest.mark.parametrize(
    ("marks", "closing"),
    [([CLOSE], True), ([OPEN], False), ([OPEN, Mark(3, 5, False, "q")], False), ([OPEN, Mark(7, 11, True, "q")], True)],
)
def test_marks_that_do_not_open_and_close_in_turn_are_a_fault(marks: list[Mark], closing: bool) -> None:
    with pytest.raises(MarkFault) as caught:
        take_out("<p>Anna</p> bor", marks)
    assert caught.value.mark.closing is closing
