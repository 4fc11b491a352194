"""Launching a sweep: one parent run, trials as children, any number of worker processes.

One process keeps tokenised corpora and pretrained weights from trial to trial. Several processes share the cores:
two torch processes with all threads each slow one another down more than tenfold.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from harness.config.sweep import Sweep
from harness.sweep.launchers.local import spawn_workers
from harness.sweep.ledger import (
    CELL,
    KEY,
    RUN,
    adopt_finished,
    close_stale_trials,
    finished_keys,
    finished_trials,
    open_study,
    queue_cells,
    repair_journal,
    study_lock,
)
from harness.sweep.plan import PARENT, Plan, check_same_settings, compose_cells, study_folder
from harness.sweep.space import check_transfer_choice, checked_objective
from harness.sweep.worker import work
from harness.tracking.run import Run
from harness.tracking.store import Store, tracking_uri

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a launch came to.

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
    plan = Plan(sweep, tuple(overrides), config_dir, "", Path(), workers)
    configs = compose_cells(plan)
    sample = next(iter(configs.values()))[0]
    check_transfer_choice(sweep, [config for config, _ in configs.values()])
    objective = {checked_objective(sweep, config) for config, _ in configs.values()}.pop()
    wanted = {key: cell for key, (_, cell) in configs.items()} if sweep.grid else {}
    uri = tracking_uri(sample.tracking)
    folder = study_folder(uri)
    deadline = time.time() + 3600 * sweep.budget.hours if sweep.budget.hours else None
    with study_lock(sweep, folder):
        repair_journal(sweep, folder)
        study = open_study(sweep, folder)
        check_same_settings(study, sweep, sample)
        store = Store(uri)
        done = _finished_runs(store, sweep.name, objective)
        reason = "the process of this trial died"
        store.close_stale(
            close_stale_trials(study, partial(_finished_value, done, sweep), alone=not sweep.storage), reason
        )
        adopted = adopt_finished(study, done, wanted) if sweep.grid else 0
        if adopted:
            logger.info("%s: %d finished cells were found in the tracking store", sweep.name, adopted)
        waiting = queue_cells(study, wanted) if sweep.grid else 0
        tags = {"harness.kind": "sweep", "harness.command": command, "protocol": sample.effective_protocol,
                "harness.objective": objective, "harness.sampler": "grid" if sweep.grid else sweep.sampler.name,
                "harness.sampler_seed": str(sweep.sampler.seed), "harness.pruner": sweep.pruner.name,
                "version.optuna": optuna.__version__}  # fmt: skip
        parent = study.user_attrs.get(PARENT)
        with Run(store, sweep.name, name=sweep.name, tags=tags, run_id=_known(store, parent)) as run:
            study.set_user_attr(PARENT, run.run_id)
            run.log_json("sweep.json", sweep.model_dump(mode="json", exclude={"storage"}))
            if sweep.grid:
                logger.info("%s: %d cells, %d to run", sweep.name, len(wanted), waiting)
            plan = Plan(sweep, tuple(overrides), config_dir, objective, folder, workers, wanted, deadline, run.run_id)
            failed = work(plan, progress) if workers == 1 else spawn_workers(plan)
            outcome = _outcome(study, plan, run, failed)
    return outcome


def _finished_runs(store: Store, experiment: str, objective: str) -> dict[str, tuple[str, float]]:
    """Return the finished trials of an experiment: key → MLflow run and objective."""
    if not store.has_experiment(experiment):
        return {}
    runs = store.runs(
        [store.experiment_id(experiment)], "attributes.status = 'FINISHED' AND tags.`harness.kind` = 'trial'"
    )
    return {
        run.data.tags["harness.key"]: (str(run.info.run_id), float(run.data.metrics[objective]))
        for run in runs
        if "harness.key" in run.data.tags and objective in run.data.metrics
    }


def _finished_value(done: Mapping[str, tuple[str, float]], sweep: Sweep, trial: FrozenTrial) -> float | None:
    """Return the objective of a grid trial whose run ended well although nobody told the study."""
    run_id, value = done.get(str(trial.user_attrs.get(KEY)), ("", 0.0))
    return value if sweep.grid and run_id and run_id == trial.user_attrs.get(RUN) else None


def _known(store: Store, run_id: object) -> str | None:
    """Return a run id if the store still has the run."""
    from mlflow.exceptions import MlflowException

    if not isinstance(run_id, str):
        return None
    try:
        run = store.client.get_run(run_id)
    except MlflowException:
        return None
    return run_id if run.info.lifecycle_stage == "active" else None


def _outcome(study: optuna.Study, plan: Plan, run: Run, failed: Sequence[str]) -> Outcome:
    finished = finished_trials(study, plan.wanted.keys())
    complete = [trial for trial in finished if trial.state == TrialState.COMPLETE]
    remaining = len(plan.wanted.keys() - finished_keys(study))
    metrics = {
        "sweep/finished": float(len(finished)),
        "sweep/failed": float(len(failed)),
        "sweep/remaining": float(remaining),
    }
    best = None
    if complete:
        sign = 1 if plan.sweep.direction == "maximize" else -1
        top = max(complete, key=lambda trial: sign * (trial.value or 0.0))
        best = {
            "trial": top.number,
            "value": top.value,
            "cell": top.user_attrs.get(CELL),
            "run_id": top.user_attrs.get(RUN),
        }
        metrics["sweep/best"] = float(top.value or 0.0)
        run.log_json("best.json", best)
    run.log_metrics(metrics)
    if failed:
        run.failure = f"{len(failed)} trials failed, first {failed[0]}"
    return Outcome(run.run_id, plan.sweep.name, len(finished), tuple(failed), remaining, best)
