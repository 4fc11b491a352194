"""Summaries of a study's cells, for MLflow's UI."""

import statistics
from pathlib import Path

import pytest

from harness.sweep.summary import summary_metrics
from harness.tracking.records import collect
from harness.tracking.store import Store
from harness.values import names
from tests.sweep.launch_cases import go, runs, sweep

LEARNING = ("trainer.max_epochs=12", "trainer.batch_size=4", "trainer.learning_rate=0.02", "trainer.evaluations=2")


def test_cells_of_several_seeds_have_a_mean_that_follows_new_seeds(toy_card: Path, tracking: str) -> None:
    grid = [{"method": ["zero_shot"]}]
    parent = go(sweep(grid=grid, seeds=[1, 2]), toy_card, tracking, *LEARNING).run_id

    def summary() -> tuple[object, list[float]]:
        (found,) = [run for run in runs(tracking) if run.data.tags.get(names.KIND) == names.KIND_SUMMARY]
        seeds = [run for run in runs(tracking) if run.data.tags.get(names.PARENT) == parent]
        return found, [run.data.metrics["test/mean/entity_f1"] for run in seeds]

    found, scores = summary()
    metrics = found.data.metrics  # type: ignore[attr-defined]
    assert metrics["test/mean/entity_f1"] == pytest.approx(statistics.fmean(scores))
    assert metrics["test/mean/entity_f1_sd"] == pytest.approx(statistics.stdev(scores))
    assert metrics["seeds"] == 2 and "F1/mean_sd" in metrics
    params = found.data.params  # type: ignore[attr-defined]
    assert params["method.name"] == "zero_shot" and "seed" not in params
    assert found.data.tags[names.RUN_NAME] == "mean of 2 seeds: char-bilstm zero_shot"  # type: ignore[attr-defined]
    go(sweep(grid=grid, seeds=[1, 2, 3]), toy_card, tracking, *LEARNING)
    again, scores = summary()
    assert again.info.run_id == found.info.run_id  # type: ignore[attr-defined]
    assert again.data.metrics["seeds"] == 3  # type: ignore[attr-defined]
    assert again.data.metrics["F1/mean"] == pytest.approx(100 * statistics.fmean(scores), abs=0.01)  # type: ignore[attr-defined]
    assert len(collect(Store(tracking), "study")) == 3, "no summary counts as a run of its own"


def test_one_seed_needs_no_mean(toy_card: Path, tracking: str) -> None:
    go(sweep(grid=[{"method": ["zero_shot"]}], seeds=[1]), toy_card, tracking)
    assert {run.data.tags[names.KIND] for run in runs(tracking)} == {"sweep", "trial"}


def test_only_what_all_seeds_have_is_averaged() -> None:
    found = summary_metrics([{"F1/mean": 10.0, "test/sv/entity_f1": 0.1}, {"F1/mean": 20.0, "train/steps": 5.0}])
    assert found == {"F1/mean": 15.0, "F1/mean_sd": pytest.approx(7.0711, abs=1e-4), "seeds": 2.0}
