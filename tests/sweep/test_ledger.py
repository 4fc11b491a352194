"""Studies that are resumed, shared, pruned, interrupted."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from harness.sweep.ledger import SILENT_SECONDS, Claim, Ledger
from harness.sweep.storage import open_study, study_folder
from harness.tracking.store import Store, process_name
from harness.values import names
from tests.conftest import interruptible
from tests.sweep.launch_cases import BASE, go, journal, runs, sweep


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_sweep_goes_on_where_it_was(
    number: signal.Signals, toy_card: Path, tracking: str, tmp_path: Path
) -> None:
    study = sweep(
        overrides=[*BASE, "trainer.max_epochs=400", "trainer.evaluations=400"],
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
        if "epoch 3 " in line:
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


def test_the_run_of_a_trial_is_known_to_the_study(toy_card: Path, tracking: str) -> None:
    go(sweep(seeds=[1]), toy_card, tracking)
    trial = open_study(sweep(), study_folder(tracking)).trials[0]
    assert Store(tracking).client.get_run(trial.user_attrs[names.TRIAL_RUN]).info.status == "FINISHED"


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
