import pytest

from harness.report.decision import Wanted
from harness.report.gate import cells, outcome
from harness.values.errors import UsageError
from tests.report.decision_cases import scored, study, table


def test_cells_are_told_apart_by_outcome() -> None:
    found = cells(table(study(), Wanted("entity_f1", against="method=synthetic,ratio=0.1")))
    assert len(found["worse"]) == 4, "two rows, two languages"
    assert "e zero_shot 0 sv -20.0 [-20.0, -20.0]" in found["worse"]
    assert cells(table(study()))["worse"] == []
    assert [cell.split(" ")[1] for cell in cells(table(study()))["equal"]] == ["tie", "tie"]


def test_a_regression_that_many_languages_make_likely_is_none() -> None:
    detail = {"difference/sv_verdict": "worse"}
    assert outcome(detail, "sv", 0.01) == "worse" and outcome(detail, "sv", 0.2) == "inconclusive"


def test_what_cannot_be_compared_is_inconclusive_and_takes_nothing_from_others() -> None:
    runs = [*study(), *(scored("less", "0", seed, {"sv": 60}) for seed in (1, 2))]
    found = cells(table(runs, Wanted("entity_f1", against="method=synthetic,ratio=0.1")))
    assert len([cell for cell in found["worse"] if cell.startswith("e zero_shot")]) == 2
    assert "e less 0 da cannot be compared" in found["inconclusive"]


def test_a_single_row_has_nothing_to_be_compared_with() -> None:
    with pytest.raises(UsageError, match="no row can be compared"):
        cells(table([scored("zero_shot", "0", 1, {"sv": 50})]))
