"""Winners of a tuning study on fresh seeds."""

from pathlib import Path

import pytest

from harness.sweep.launch import launch
from harness.sweep.replicate import replication, winners
from harness.tracking.records import collect
from harness.tracking.store import Store
from harness.values.errors import UsageError
from tests.report.collect_cases import record
from tests.sweep.launch_cases import go, sweep


def test_the_winner_of_each_row_is_judged_over_all_its_seeds() -> None:
    runs = [
        record(1, f1=0.5, trainer__learning_rate=1), record(2, f1=0.7, trainer__learning_rate=1),
        record(1, f1=0.9, trainer__learning_rate=2), record(2, f1=0.1, trainer__learning_rate=2),
        record(1, f1=0.95, trainer__learning_rate=3),  # pruned on its other seed
        record(1, f1=0.3, method__name="n"), record(1, f1=0.99, method__name="n", status="KILLED"),
    ]  # fmt: skip
    first, second = winners(runs, ["method"])
    assert (first.row, first.settings, first.score) == (("m",), 3, pytest.approx(0.6))
    assert {run.params["trainer.learning_rate"] for run in first.records} == {"1"}
    assert (second.row, second.settings) == (("n",), 1)
    ratios = [record(1, f1=0.5), record(1, f1=0.7, method__ratio=0.5)]
    with pytest.raises(UsageError, match=r"its runs differ in method.ratio, so different dev sets judged them"):
        winners(ratios, ["method"])
    with pytest.raises(UsageError, match="nothing to replicate"):
        winners([record(1, status="FAILED")], ["method"])


def test_a_seed_that_chose_is_refused() -> None:
    runs = [record(1), record(2)]
    with pytest.raises(UsageError, match="was tuned on them; choose seeds that it has not seen"):
        replication("study", runs, winners(runs, ["method"]), [2, 3])


def test_each_cell_is_searched_for_itself_and_its_winner_replicated(toy_card: Path, tracking: str) -> None:
    study = sweep(
        grid=[{"method": ["zero_shot"]}, {"method": ["synthetic"], "method.ratio": [0.25]}],
        search={"trainer.learning_rate": {"choices": [1e-5, 5e-3]}},
        budget={"trials": 3}, seeds=[1], sampler={"startup_trials": 1},
    )  # fmt: skip
    outcome = go(study, toy_card, tracking)
    assert outcome.finished == 6 and not outcome.failed
    store = Store(tracking)
    records = collect(store, "study")
    by_method = {method: [r for r in records if r.key("method") == method] for method in ("zero_shot", "synthetic")}
    assert {method: len(runs) for method, runs in by_method.items()} == {"zero_shot": 3, "synthetic": 3}
    assert len({run.metrics["train/steps"] for run in records}) == 1, "the same budget of steps"
    assert go(study, toy_card, tracking).finished == 6, "a repeated command runs nothing again"
    best = winners(records, ["encoder", "method"])
    fresh = replication("study", records, best, [11, 12])
    launch(fresh, [f"tracking.uri={tracking}"], config_dir=toy_card, workers=1, command="x", progress=False)
    replicated = collect(store, "study-replicated")
    assert sorted((run.key("method"), run.key("seed")) for run in replicated) == [
        ("synthetic", "11"), ("synthetic", "12"), ("zero_shot", "11"), ("zero_shot", "12")
    ]  # fmt: skip
    for winner in best:
        (method,) = {run.key("method") for run in winner.records}
        rates = {run.params["trainer.learning_rate"] for run in replicated if run.key("method") == method}
        assert rates == {winner.records[0].params["trainer.learning_rate"]}
        assert {run.metrics["train/steps"] for run in replicated} == {records[0].metrics["train/steps"]}
