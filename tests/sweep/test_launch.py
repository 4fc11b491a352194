"""Studies that are resumed, shared, pruned, interrupted."""

from pathlib import Path

from harness.tracking.store import Store
from harness.values import names
from tests.sweep.launch_cases import go, runs, sweep


def test_a_grid_is_run_once_recorded_under_its_parent_and_not_run_again(toy_card: Path, tracking: str) -> None:
    first = go(sweep(), toy_card, tracking)
    assert (first.finished, first.failed, first.remaining) == (4, (), 0)
    again = go(sweep(), toy_card, tracking)
    assert again.run_id == first.run_id
    trials = [run for run in runs(tracking) if run.data.tags.get(names.PARENT)]
    assert len(trials) == 4
    assert {run.data.tags[names.PARENT] for run in trials} == {first.run_id}
    assert {run.info.status for run in runs(tracking)} == {"FINISHED"}
    assert "seed=2" in trials[1].data.tags["harness.command"]


def test_a_larger_grid_runs_only_what_is_new(toy_card: Path, tracking: str) -> None:
    go(sweep(), toy_card, tracking)
    more = sweep(grid=[{"method": ["zero_shot"]}, {"method": ["synthetic"], "method.ratio": [0.25, 0.5]}])
    assert go(more, toy_card, tracking).finished == 6
    assert len(runs(tracking)) == 7


def test_a_failing_cell_does_not_stop_the_others_and_is_tried_again(toy_card: Path, tracking: str) -> None:
    study = sweep(grid=[{"method": ["synthetic"], "method.ratio": [0.9, 0.25]}], seeds=[1])
    outcome = go(study, toy_card, tracking)
    assert (outcome.finished, outcome.remaining) == (1, 1)
    assert "asks for 43 synthetic sentences" in outcome.failed[0]
    assert len(go(study, toy_card, tracking).failed) == 1


def test_of_a_sweep_the_best_checkpoint_of_each_method_is_kept(toy_card: Path, tracking: str) -> None:
    go(sweep(), toy_card, tracking, "tracking.checkpoints=best")
    kept = [run for run in runs(tracking) if run.data.tags.get("harness.checkpoint") == "kept"]
    assert sorted(run.data.params["method.name"] for run in kept) == ["synthetic", "zero_shot"]
    client = Store(tracking).client
    for run in runs(tracking):
        has = any(one.path == "checkpoint" for one in client.list_artifacts(run.info.run_id))
        assert has == (run.info.run_id in {one.info.run_id for one in kept})
