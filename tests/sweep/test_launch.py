"""Studies that are resumed, shared, pruned, interrupted."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import psutil
import pytest
import yaml

from harness.config.sweep import Sweep
from harness.sweep.journal import WholeLines
from harness.sweep.launch import Outcome, launch
from harness.sweep.ledger import SILENT_SECONDS, Claim, Ledger
from harness.sweep.storage import open_study, study_folder
from harness.tracking.store import Store, process_name
from harness.values import names
from harness.values.errors import ConfigError
from tests.conftest import QUICK, interruptible

BASE = ["data=toy", "trainer.max_epochs=2", *QUICK]


def sweep(**settings: object) -> Sweep:
    values = {
        "name": "study", "overrides": BASE, "seeds": [1, 2],
        "grid": [{"method": ["zero_shot"]}, {"method": ["synthetic"], "method.ratio": [0.25]}], **settings,
    }  # fmt: skip
    return Sweep.model_validate(values)


def go(study: Sweep, folder: Path, tracking: str, *overrides: str, workers: int = 1) -> Outcome:
    return launch(
        study,
        [f"tracking.uri={tracking}", *overrides],
        config_dir=folder,
        workers=workers,
        command="harness sweep",
        progress=False,
    )


def runs(tracking: str) -> list:  # type: ignore[type-arg]
    store = Store(tracking)
    return store.runs([store.experiment_id("study")])


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


def test_a_failing_cell_does_not_stop_the_others_and_is_tried_again(toy_card: Path, tracking: str) -> None:
    study = sweep(grid=[{"method": ["synthetic"], "method.ratio": [0.9, 0.25]}], seeds=[1])
    outcome = go(study, toy_card, tracking)
    assert (outcome.finished, outcome.remaining) == (1, 1)
    assert "asks for 43 synthetic sentences" in outcome.failed[0]
    assert len(go(study, toy_card, tracking).failed) == 1


def test_a_mistake_in_any_cell_stops_before_the_first_runs(toy_card: Path, tracking: str) -> None:
    with pytest.raises(ConfigError, match=r"cell method=nothing: method=nothing: no such choice"):
        go(sweep(grid=[{"method": ["zero_shot", "nothing"]}]), toy_card, tracking)
    assert Store(tracking).client.get_experiment_by_name("study") is None


def test_a_budget_stops_and_the_next_launch_goes_on(toy_card: Path, tracking: str) -> None:
    outcome = go(sweep(budget={"trials": 3}), toy_card, tracking)
    assert (outcome.finished, outcome.remaining) == (3, 1)
    assert go(sweep(), toy_card, tracking).finished == 4


def test_two_workers_share_the_cells(toy_card: Path, tracking: str) -> None:
    outcome = go(sweep(), toy_card, tracking, workers=2)
    assert (outcome.finished, outcome.failed) == (4, ())
    trials = [run for run in runs(tracking) if run.data.tags.get(names.PARENT)]
    assert len({(run.data.params["method.name"], run.data.params["seed"]) for run in trials}) == len(trials) == 4


def test_a_search_prunes_resumes_and_refuses_other_settings(toy_card: Path, tracking: str) -> None:
    settings = {
        "grid": [], "search": {"trainer.learning_rate": {"choices": [1e-9, 0.02]}}, "seeds": [1],
        "sampler": {"seed": 3}, "pruner": {"name": "percentile", "percentile": 25, "startup_trials": 2, "warmup_epochs": 1},
    }  # fmt: skip
    learning = ["trainer.max_epochs=12", "trainer.patience=null", "trainer.batch_size=4"]
    study = sweep(**settings, budget={"trials": 8})
    assert go(study, toy_card, tracking, *learning).finished == 8
    assert go(study, toy_card, tracking, *learning).finished == 8
    states = {trial.state for trial in open_study(study, study_folder(tracking)).trials}
    statuses = {run.info.status for run in runs(tracking)}
    assert states == {optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED}
    assert statuses == {"FINISHED", "KILLED"}
    with pytest.raises(ConfigError, match="was begun with other settings"):
        go(study, toy_card, tracking, "trainer.max_epochs=5")


def test_of_a_sweep_the_best_checkpoint_of_each_method_is_kept(toy_card: Path, tracking: str) -> None:
    go(sweep(), toy_card, tracking, "tracking.checkpoints=best")
    kept = [run for run in runs(tracking) if run.data.tags.get("harness.checkpoint") == "kept"]
    assert sorted(run.data.params["method.name"] for run in kept) == ["synthetic", "zero_shot"]
    client = Store(tracking).client
    for run in runs(tracking):
        has = any(one.path == "checkpoint" for one in client.list_artifacts(run.info.run_id))
        assert has == (run.info.run_id in {one.info.run_id for one in kept})


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_sweep_goes_on_where_it_was(
    number: signal.Signals, toy_card: Path, tracking: str, tmp_path: Path
) -> None:
    study = sweep(
        overrides=[*BASE, "trainer.max_epochs=400", "trainer.patience=null"],
        grid=[{"method": ["zero_shot"]}],
        seeds=[1],
    )
    values = study.model_dump(mode="json", exclude={"search"})
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(values))
    command = [
        sys.executable,
        "-m",
        "harness",
        "sweep",
        "study.yaml",
        f"tracking.uri={tracking}",
        "--config-dir",
        str(toy_card),
    ]
    process = interruptible(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "epoch 3" in line:
            break
    process.send_signal(number)
    rest = process.stderr.read()
    code = process.wait(60)
    assert code == (-9 if number == signal.SIGKILL else 130)
    assert "Traceback" not in rest
    (left,) = [run for run in runs(tracking) if run.data.tags.get(names.PARENT)]
    assert left.info.status == ("RUNNING" if number == signal.SIGKILL else "KILLED")
    time.sleep(0.1)
    outcome = go(study.model_copy(update={"overrides": tuple(BASE)}), toy_card, tracking)
    assert outcome.finished == 1
    statuses = sorted(run.info.status for run in runs(tracking) if run.data.tags.get(names.PARENT))
    assert statuses == ["FINISHED", "KILLED"]
    assert len(runs(tracking)) == 3, "the parent is opened again, not made anew"


def test_a_study_is_run_by_one_launcher_at_a_time(toy_card: Path, tracking: str) -> None:
    from harness.sweep.storage import study_lock

    with (
        study_lock(sweep(), study_folder(tracking)),
        pytest.raises(ConfigError, match="is being run by another process"),
    ):
        go(sweep(), toy_card, tracking)


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


def test_other_settings_of_a_grid_are_other_trials(toy_card: Path, tracking: str) -> None:
    go(sweep(seeds=[1]), toy_card, tracking, "trainer.max_epochs=3")
    outcome = go(sweep(seeds=[1]), toy_card, tracking, "trainer.max_epochs=1")
    assert outcome.finished == 2
    assert outcome.best is not None
    best = Store(tracking).client.get_run(outcome.best["run_id"])
    assert best.data.params["trainer.max_epochs"] == "1"


def test_the_run_of_a_trial_is_known_to_the_study(toy_card: Path, tracking: str) -> None:
    go(sweep(seeds=[1]), toy_card, tracking)
    trial = open_study(sweep(), study_folder(tracking)).trials[0]
    assert Store(tracking).client.get_run(trial.user_attrs[names.TRIAL_RUN]).info.status == "FINISHED"


def journal(tracking: str) -> Path:
    return study_folder(tracking) / "study.journal"


@pytest.mark.parametrize("damage", ["torn", "torn, then more", "lock"])
def test_a_torn_journal_goes_on_and_runs_nothing_twice(damage: str, toy_card: Path, tracking: str) -> None:
    go(sweep(seeds=[1]), toy_card, tracking)
    path = journal(tracking)
    if damage == "lock":  # kill -9 inside a write leaves Optuna's own lock, which it would wait for half a minute
        Path(f"{path}.lock").symlink_to(path.name)
    else:
        with path.open("ab") as file:
            file.write(path.read_bytes().splitlines(keepends=True)[-1][:-7])
    more = sweep(seeds=[1], grid=[{"method": ["zero_shot"]}, {"method": ["synthetic"], "method.ratio": [0.25, 0.5]}])
    started = time.monotonic()
    assert go(more, toy_card, tracking).finished == 3
    assert time.monotonic() - started < 25 or damage != "lock"
    assert go(more, toy_card, tracking).finished == 3
    assert len(runs(tracking)) == 4  # three cells and their parent


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = WholeLines(tmp_path / "x.journal")
    lines.append_logs([{"a": 1}])

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.sweep.journal.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        lines.append_logs([{"a": 2}, {"a": 3}])
    assert (tmp_path / "x.journal").read_text() == '{"a":1}\n'
    monkeypatch.undo()
    with (tmp_path / "x.journal").open("ab") as file:
        file.write(b'{"a":')  # a kill inside a write
    lines.append_logs([{"a": 4}])
    assert [record["a"] for record in lines.read_logs(0)] == [1, 4]


def test_finished_cells_are_found_again_without_their_journal(toy_card: Path, tracking: str) -> None:
    first = go(sweep(), toy_card, tracking)
    journal(tracking).write_bytes(b"")
    again = go(sweep(), toy_card, tracking)
    assert (again.finished, again.remaining) == (4, 0)
    trials = [run for run in runs(tracking) if run.data.tags.get(names.PARENT)]
    assert len(trials) == 4
    assert first.best is not None
    assert again.best is not None
    assert again.best["value"] == first.best["value"]


def test_a_journal_damaged_in_its_middle_is_named(toy_card: Path, tracking: str) -> None:
    go(sweep(seeds=[1]), toy_card, tracking)
    path = journal(tracking)
    content = path.read_bytes()
    path.write_bytes(b"garbage\n" + content)
    with pytest.raises(ConfigError, match="study.journal is damaged in its middle"):
        go(sweep(seeds=[1]), toy_card, tracking)


def test_a_run_that_ended_before_its_trial_was_told_is_not_done_again(toy_card: Path, tracking: str) -> None:
    go(sweep(seeds=[1]), toy_card, tracking)
    lines = journal(tracking).read_bytes().splitlines(keepends=True)
    # Optuna's operation 6 closes a trial: without the last, the trial is RUNNING and its process is gone.
    last = max(number for number, line in enumerate(lines) if b'"op_code":6' in line)
    attributes = [line for line in lines[last + 1 :] if b'"op_code":6' not in line]
    journal(tracking).write_bytes(b"".join(lines[:last] + attributes))
    rewritten = journal(tracking).read_text().replace(process_name(os.getpid()), "elsewhere/1@1")
    silent = re.sub(r'"harness.alive":\d+\.?\d*', '"harness.alive":1.0', rewritten)
    journal(tracking).write_text(silent)
    assert go(sweep(seeds=[1]), toy_card, tracking).finished == 2
    assert len(runs(tracking)) == 3


def test_a_trial_of_a_living_process_elsewhere_is_left_alone(toy_card: Path, tracking: str) -> None:
    plan = sweep(seeds=[1], grid=[{"method": ["zero_shot"]}])
    go(plan, toy_card, tracking)
    ledger = Ledger(plan, study_folder(tracking))
    study = ledger.study
    alive = study.ask()
    alive.set_user_attr(names.PROCESS, "elsewhere/17@1")
    alive.set_user_attr(names.TRIAL_ALIVE, time.time())
    silent = study.ask()
    silent.set_user_attr(names.PROCESS, "elsewhere/18@1")
    silent.set_user_attr(names.TRIAL_ALIVE, time.time() - 2 * SILENT_SECONDS)
    dead = study.ask()
    dead.set_user_attr(names.PROCESS, process_name(os.getpid()).replace("@", "0@"))
    ledger.close_stale({})
    states = {trial.number: trial.state.name for trial in study.get_trials()}
    assert (states[alive.number], states[silent.number], states[dead.number]) == ("RUNNING", "FAIL", "FAIL")
    ledger.finish(Claim(silent), 0.5)  # what its own launcher would do: a warning, not a traceback
    # A cell that runs elsewhere is neither queued nor taken.
    alive.set_user_attr("harness.key", "k")
    assert ledger.queue({"k": {"seed": 1}}) == 1
    assert not ledger.has_waiting()


def test_workers_end_with_their_launcher(toy_card: Path, tracking: str, tmp_path: Path) -> None:
    grid = {"method": ["synthetic"], "method.ratio": [0.1, 0.2, 0.3, 0.4]}
    file = tmp_path / "study.yaml"
    overrides = [*BASE, f"tracking.uri={tracking}", "trainer.max_epochs=400", "trainer.patience=null"]
    file.write_text(yaml.safe_dump({"name": "study", "overrides": overrides, "grid": [grid], "seeds": [1]}))
    launcher = subprocess.Popen(
        [sys.executable, "-m", "harness", "sweep", str(file), "--config-dir", str(toy_card), "--workers", "2"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert launcher.stderr
    while "epoch 1" not in launcher.stderr.readline():
        assert launcher.poll() is None
    family = psutil.Process(launcher.pid).children(recursive=True)
    workers = [process for process in family if "spawn_main" in " ".join(process.cmdline())]
    assert len(workers) == 2
    launcher.kill()
    _, alive = psutil.wait_procs(workers, timeout=40)
    assert alive == []


def test_a_study_name_is_no_path() -> None:
    for name in ("..", ".", "../x", "-x", ".hidden"):
        with pytest.raises(ValueError, match="name"):
            sweep(name=name)
