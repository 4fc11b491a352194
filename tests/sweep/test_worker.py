"""Studies that are resumed, shared, pruned, interrupted."""

import os
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from harness.sweep.storage import open_study, study_folder
from harness.tracking.store import Store
from harness.values.errors import ConfigError
from tests.sweep.launch_cases import go, runs, sweep


def test_a_trial_repeats_by_its_command_to_the_last_digit(toy_card: Path, tracking: str, tmp_path: Path) -> None:
    go(sweep(seeds=[1]), toy_card, tracking)
    trial = runs(tracking)[-1]
    command = trial.data.tags["harness.command"]
    environment = {**os.environ, "HARNESS_CACHE": str(tmp_path / "other")}
    done = subprocess.run(
        [sys.executable, "-m", *command.split(), "--json"], capture_output=True, text=True, check=True, env=environment
    )
    import json

    metrics = json.loads(done.stdout.splitlines()[-1])["metrics"]
    for name, value in trial.data.metrics.items():
        if name.startswith("test/") and "second" not in name:
            assert metrics[name] == value


def test_a_budget_stops_and_the_next_launch_goes_on(toy_card: Path, tracking: str) -> None:
    outcome = go(sweep(budget={"trials": 3}), toy_card, tracking)
    assert (outcome.finished, outcome.remaining) == (3, 1)
    assert go(sweep(), toy_card, tracking).finished == 4


def test_a_search_prunes_resumes_and_refuses_other_settings(toy_card: Path, tracking: str) -> None:
    settings = {
        "grid": [], "search": {"trainer.learning_rate": {"choices": [1e-9, 0.02]}}, "seeds": [1],
        "sampler": {"seed": 3}, "pruner": {"name": "percentile", "percentile": 25, "startup_trials": 2, "warmup_evaluations": 1},
    }  # fmt: skip
    learning = ["trainer.max_epochs=12", "trainer.evaluations=12", "trainer.batch_size=4"]
    study = sweep(**settings, budget={"trials": 8})
    assert go(study, toy_card, tracking, *learning).finished == 8
    assert go(study, toy_card, tracking, *learning).finished == 8
    states = {trial.state for trial in open_study(study, study_folder(tracking)).trials}
    statuses = {run.info.status for run in runs(tracking)}
    assert states == {optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED}
    assert statuses == {"FINISHED", "KILLED"}
    with pytest.raises(ConfigError, match="was begun with other settings"):
        go(study, toy_card, tracking, "trainer.max_epochs=5")


def test_a_trial_that_breaks_does_not_end_the_study(
    toy_card: Path, tracking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.sweep import worker as module

    real, calls = module.run_experiment, []

    def first_breaks(*arguments: object, **settings: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("out of memory")
        return real(*arguments, **settings)

    monkeypatch.setattr(module, "run_experiment", first_breaks)
    outcome = go(sweep(seeds=[1]), toy_card, tracking)
    assert (outcome.finished, outcome.remaining) == (1, 1)
    assert outcome.failed == ("trial 0: RuntimeError: out of memory",)
    parent = Store(tracking).client.get_run(outcome.run_id)
    assert (parent.info.status, parent.data.tags["harness.reason"][:15]) == ("FAILED", "1 trials failed")
    assert go(sweep(seeds=[1]), toy_card, tracking).finished == 2
    parent = Store(tracking).client.get_run(outcome.run_id)
    assert (parent.info.status, "harness.reason" in parent.data.tags) == ("FINISHED", False)


def test_a_resumed_search_proposes_something_new(toy_card: Path, tracking: str) -> None:
    search = {"grid": [], "search": {"trainer.learning_rate": {"low": 1e-5, "high": 1e-1, "log": True}}, "seeds": [1]}
    go(sweep(**search, budget={"trials": 2}), toy_card, tracking)
    go(sweep(**search, budget={"trials": 4}), toy_card, tracking)
    rates = [trial.params["trainer.learning_rate"] for trial in open_study(sweep(), study_folder(tracking)).trials]
    assert len(set(rates)) == len(rates) == 4
