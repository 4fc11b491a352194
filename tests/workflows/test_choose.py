import pytest

from harness.values.errors import UsageError
from harness.workflows.choose import best_run
from tests.report.collect_cases import record


def test_the_best_run_is_chosen_on_dev_among_sound_kept_zero_shot_runs() -> None:
    runs = [
        record(1, f1=0.5), record(2, f1=0.6), record(3, f1=0.9, tags={"protocol": "oracle"}),
        record(4, f1=0.8, tags={"harness.collapsed": "x"}), record(5, f1=0.8, tags={"harness.checkpoint": "none"}),
        record(6, f1=0.8, status="KILLED"),
    ]  # fmt: skip
    assert best_run(runs).run_id == "run2"
    with pytest.raises(UsageError, match="has kept its checkpoint"):
        best_run(runs[3:])
    with pytest.raises(UsageError, match="cannot be compared; name one experiment"):
        best_run([record(1), record(2, data__name="other")])
