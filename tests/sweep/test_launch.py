"""Studies that are resumed, shared, pruned, interrupted."""

import re
from collections import Counter
from pathlib import Path

import pytest

from harness.tracking.store import Store
from harness.values import names
from harness.values.errors import ConfigError
from tests.sweep.launch_cases import go, runs, sweep


def test_a_grid_is_run_once_recorded_under_its_parent_and_not_run_again(
    toy_card: Path, tracking: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        first = go(sweep(), toy_card, tracking)
    assert (first.finished, first.failed, first.remaining) == (4, (), 0)
    said = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("study: 4 cells, 4 to run; toy; cpu, ") for line in said)
    assert any(line.startswith("trial 1 of a study of 4: method=") for line in said)
    assert any(re.fullmatch(r"trial 2 finished: 3 of 4 done, about \d+ s left", line) for line in said)
    assert "trial 3 finished: 4 of 4 done" in said
    ended = Store(tracking).client.get_run(first.run_id).info.end_time
    again = go(sweep(), toy_card, tracking)
    assert again.run_id == first.run_id
    assert Store(tracking).client.get_run(first.run_id).info.end_time == ended, "nothing was added to it"
    trials = [run for run in runs(tracking) if run.data.tags.get(names.PARENT)]
    assert len(trials) == 4
    assert {run.data.tags[names.PARENT] for run in trials} == {first.run_id}
    assert {run.info.status for run in runs(tracking)} == {"FINISHED"}
    assert "seed=2" in trials[1].data.tags["harness.command"]


def test_a_larger_grid_runs_only_what_is_new(toy_card: Path, tracking: str) -> None:
    go(sweep(), toy_card, tracking)
    more = sweep(grid=[{"method": ["zero_shot"]}, {"method": ["synthetic"], "method.ratio": [0.25, 0.5]}])
    assert go(more, toy_card, tracking).finished == 6
    kinds = Counter(run.data.tags[names.KIND] for run in runs(tracking))
    assert kinds == {"sweep": 1, "trial": 6, "summary": 3}


def test_a_failing_cell_does_not_stop_the_others_and_is_tried_again(toy_card: Path, tracking: str) -> None:
    study = sweep(grid=[{"trainer.accelerator": ["mps", "cpu"]}], seeds=[1])
    outcome = go(study, toy_card, tracking)
    assert (outcome.finished, outcome.remaining) == (1, 1)
    assert "torch sees no Apple GPU" in outcome.failed[0]
    assert len(go(study, toy_card, tracking).failed) == 1


def test_a_ratio_beyond_what_there_is_stops_before_the_first_trial(toy_card: Path, tracking: str) -> None:
    study = sweep(grid=[{"method": ["synthetic"], "method.ratio": [0.25, 0.9]}], seeds=[1])
    with pytest.raises(ConfigError, match=r"cell method=synthetic method.ratio=0.9: .*asks for 43 synthetic sentences"):
        go(study, toy_card, tracking)
    assert Store(tracking).client.get_experiment_by_name("study") is None


def steps(tracking: str) -> list[tuple[str, int]]:
    """Return method and steps of every trial."""
    trials = [run for run in runs(tracking) if run.data.tags.get(names.PARENT)]
    return sorted((run.data.params["method.name"], int(run.data.metrics["train/steps"])) for run in trials)


@pytest.mark.parametrize(
    ("settings", "overrides", "expected"),
    [
        ({}, [], {"zero_shot": 18, "synthetic": 18}),  # 2 epochs of 48 + 2 × 12 sentences in batches of 8
        ({"budget_per_cell": "epochs"}, [], {"zero_shot": 12, "synthetic": 18}),
        ({"budget_amount": 7}, [], {"zero_shot": 7, "synthetic": 7}),
        ({"budget_amount": 7}, ["trainer.max_steps=5"], {"zero_shot": 5, "synthetic": 5}),
        ({}, ["trainer.max_epochs=1"], {"zero_shot": 9, "synthetic": 9}),
    ],
)
def test_every_cell_gets_the_same_budget(
    settings: dict[str, object], overrides: list[str], expected: dict[str, int], toy_card: Path, tracking: str
) -> None:
    go(sweep(seeds=[1], **settings), toy_card, tracking, "trainer.batch_size=8", *overrides)
    assert dict(steps(tracking)) == expected


def test_a_cell_that_sets_its_own_budget_keeps_it(toy_card: Path, tracking: str) -> None:
    grid = [
        {"method": ["zero_shot"]}, {"method": ["zero_shot"], "trainer.max_epochs": [5]}, {"method": ["synthetic_only"]}
    ]  # fmt: skip
    go(sweep(seeds=[1], grid=grid), toy_card, tracking, "trainer.batch_size=8")
    # 2 × 27 synthetic sentences are 7 batches: the longest of those without a budget of their own.
    assert steps(tracking) == [("synthetic_only", 14), ("zero_shot", 14), ("zero_shot", 30)]


def test_budgets_of_tokens_are_met(toy_card: Path, tracking: str) -> None:
    go(sweep(seeds=[1], budget_per_cell="tokens", budget_amount=2000), toy_card, tracking, "trainer.batch_size=8")
    tokens = [run.data.metrics["train/tokens"] for run in runs(tracking) if run.data.tags.get(names.PARENT)]
    assert len(tokens) == 2 and all(2000 <= count < 2400 for count in tokens)


def test_of_a_sweep_the_best_checkpoint_of_each_method_is_kept(toy_card: Path, tracking: str) -> None:
    go(sweep(), toy_card, tracking, "tracking.checkpoints=best")
    kept = [run for run in runs(tracking) if run.data.tags.get("harness.checkpoint") == "kept"]
    assert sorted(run.data.params["method.name"] for run in kept) == ["synthetic", "zero_shot"]
    client = Store(tracking).client
    for run in runs(tracking):
        has = any(one.path == "checkpoint" for one in client.list_artifacts(run.info.run_id))
        assert has == (run.info.run_id in {one.info.run_id for one in kept})


def test_no_cell_is_called_the_best_where_no_measure_ranks_them(toy_card: Path, tracking: str) -> None:
    assert go(sweep(seeds=[1]), toy_card, tracking, "tracking.proxies=none").best is None


def test_cells_of_different_methods_are_ranked_by_a_proxy_they_share(toy_card: Path, tracking: str) -> None:
    best = go(sweep(seeds=[1]), toy_card, tracking).best
    assert best is not None and best["metric"] == "synthetic_dev/mean/entity_f1"


def test_without_a_common_measure_the_best_checkpoint_of_each_recipe_is_kept(toy_card: Path, tracking: str) -> None:
    study = sweep(grid=[{"method": ["synthetic"], "method.ratio": [0, 0.25]}])
    go(study, toy_card, tracking, "tracking.checkpoints=best", "tracking.proxies=none")
    kept = [run for run in runs(tracking) if run.data.tags.get("harness.checkpoint") == "kept"]
    assert sorted(run.data.params["method.ratio"] for run in kept) == ["0", "0.25"]


def test_a_search_over_mixtures_needs_a_measure_that_is_the_same_for_all(toy_card: Path, tracking: str) -> None:
    search = {"grid": [], "search": {"method.ratio": {"choices": [0.1, 0.25]}}, "budget": {"trials": 1}, "seeds": [1]}
    with pytest.raises(ConfigError, match="judged by different dev sets"):
        go(sweep(**search), toy_card, tracking, "method=synthetic")
    proxy = sweep(**search, objective="synthetic_dev/mean/entity_f1")
    assert go(proxy, toy_card, tracking, "method=synthetic").finished == 1
