"""Launching a sweep: one parent run, trials as children, any number of worker processes."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from harness.config import Config
from harness.config.sweep import Sweep
from harness.sweep.journal import repair_journal
from harness.sweep.launchers.launcher import Launcher
from harness.sweep.launchers.local import InProcess, LocalProcesses
from harness.sweep.ledger import Finished, Ledger
from harness.sweep.plan import Plan, compose_cells, search_settings
from harness.sweep.space import check_transfer_choice, checked_objective
from harness.sweep.storage import study_folder, study_lock
from harness.tracking.run import Run
from harness.tracking.store import Store, tracking_uri
from harness.values import names

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """Result of a sweep.

    :param run_id: MLflow run of the sweep.
    :param failed: one sentence for each trial that failed.
    :param remaining: grid cells that are still to run (the budget was used up).
    """

    run_id: str
    experiment: str
    finished: int
    failed: tuple[str, ...]
    remaining: int
    best: dict[str, Any] | None


def launch(
    sweep: Sweep,
    overrides: Sequence[str],
    *,
    config_dir: Path | None,
    workers: int,
    command: str,
    progress: bool,
) -> Outcome:
    """Run a study, or go on with it: finished trials are not run again.

    :raises ConfigError: a cell is not a valid configuration, or the objective breaks the protocol; nothing ran then.
    """
    plan, sample = make_plan(sweep, overrides, config_dir, workers)
    launcher: Launcher = InProcess() if workers == 1 else LocalProcesses()
    with study_lock(sweep, plan.folder):
        repair_journal(sweep, plan.folder)
        ledger = Ledger(sweep, plan.folder)
        store = Store(tracking_uri(sample.tracking))
        waiting = _take_stock(ledger, plan, store, sample)
        parent = ledger.parent if ledger.parent and store.has_run(ledger.parent) else None
        with Run(store, sweep.name, name=sweep.name, tags=_tags(plan, sample, command), run_id=parent) as run:
            ledger.note_parent(run.run_id)
            run.log_json(names.SWEEP, sweep.model_dump(mode="json", exclude={"storage"}))
            if sweep.grid:
                logger.info("%s: %d cells, %d to run", sweep.name, len(plan.wanted), waiting)
            failed = launcher.run(replace(plan, parent=run.run_id), progress=progress)
            return _record_outcome(ledger, plan, run, failed)


def make_plan(sweep: Sweep, overrides: Sequence[str], config_dir: Path | None, workers: int) -> tuple[Plan, Config]:
    """Compose every cell, and return what all workers must know, with one of the configurations.

    :raises ConfigError: a cell is not a valid configuration, or the objective breaks the protocol.
    """
    plan = Plan(sweep, tuple(overrides), config_dir, workers)
    composed = compose_cells(plan)
    configs = [config for config, _ in composed.values()]
    check_transfer_choice(sweep, configs)
    objective = {checked_objective(sweep, config) for config in configs}.pop()
    return replace(
        plan,
        objective=objective,
        folder=study_folder(tracking_uri(configs[0].tracking)),
        wanted={key: cell for key, (_, cell) in composed.items()} if sweep.grid else {},
        deadline=time.time() + 3600 * sweep.budget.hours if sweep.budget.hours else None,
    ), configs[0]


def _take_stock(ledger: Ledger, plan: Plan, store: Store, sample: Config) -> int:
    """Bring the ledger up to date with what dead processes left, and return how many cells are to run."""
    sweep = plan.sweep
    if not sweep.grid:
        ledger.check_settings(search_settings(sweep, sample))
    done = _finished_runs(store, sweep.name, plan.objective)
    store.close_stale(ledger.close_stale(done, alone=not sweep.storage), "the process of this trial died")
    if not sweep.grid:
        return 0
    adopted = ledger.adopt(done, plan.wanted)
    if adopted:
        logger.info("%s: %d finished cells were found in the tracking store", sweep.name, adopted)
    return ledger.queue(plan.wanted)


def _tags(plan: Plan, sample: Config, command: str) -> dict[str, str]:
    sweep = plan.sweep
    return {
        names.KIND: names.KIND_SWEEP,
        names.COMMAND: command,
        names.PROTOCOL: sample.effective_protocol,
        names.OBJECTIVE: plan.objective,
        names.SAMPLER: "grid" if sweep.grid else sweep.sampler.name,
        names.SAMPLER_SEED: str(sweep.sampler.seed),
        names.PRUNER: sweep.pruner.name,
        names.version("optuna"): version("optuna"),
    }


def _finished_runs(store: Store, experiment: str, objective: str) -> Finished:
    """Return the finished trials of an experiment: key → MLflow run and objective."""
    if not store.has_experiment(experiment):
        return {}
    runs = store.runs(
        [store.experiment_id(experiment)],
        f"attributes.status = 'FINISHED' AND tags.`{names.KIND}` = '{names.KIND_TRIAL}'",
    )
    return {
        run.data.tags[names.TRIAL_KEY]: (str(run.info.run_id), float(run.data.metrics[objective]))
        for run in runs
        if names.TRIAL_KEY in run.data.tags and objective in run.data.metrics
    }


def _record_outcome(ledger: Ledger, plan: Plan, run: Run, failed: Sequence[str]) -> Outcome:
    """Record how the study stands, and its best trial."""
    finished = ledger.finished(plan.wanted.keys())
    complete = [trial for trial in finished if trial.state == TrialState.COMPLETE]
    remaining = len(plan.wanted.keys() - ledger.finished_keys())
    metrics = {
        names.SWEEP_FINISHED: float(len(finished)),
        names.SWEEP_FAILED: float(len(failed)),
        names.SWEEP_REMAINING: float(remaining),
    }
    best = None
    if complete:
        sign = 1 if plan.sweep.direction == "maximize" else -1
        top = max(complete, key=lambda trial: sign * (trial.value or 0.0))
        best = {
            "trial": top.number,
            "value": top.value,
            "cell": top.user_attrs.get(names.TRIAL_CELL),
            "run_id": top.user_attrs.get(names.TRIAL_RUN),
        }
        metrics[names.SWEEP_BEST] = float(top.value or 0.0)
        run.log_json(names.BEST, best)
    run.log_metrics(metrics)
    if failed:
        run.failure = f"{len(failed)} trials failed, first {failed[0]}"
    return Outcome(run.run_id, plan.sweep.name, len(finished), tuple(failed), remaining, best)
