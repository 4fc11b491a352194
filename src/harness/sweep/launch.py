"""Launching a sweep: one parent run, trials as children, any number of worker processes."""

import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from harness.config import Config
from harness.config.sweep import Sweep
from harness.experiment.record import machine_part
from harness.machine.provenance import mask_url
from harness.sweep.journal import journal_path, repair_journal
from harness.sweep.launchers.launcher import Launcher
from harness.sweep.launchers.local import InProcess, LocalProcesses
from harness.sweep.ledger import Finished, Ledger
from harness.sweep.plan import Plan, compose_cells, matched_budget, search_settings
from harness.sweep.space import as_overrides, cells, check_transfer_choice, checked_objective
from harness.sweep.storage import study_folder, study_lock
from harness.sweep.summary import summarise
from harness.tracking.judges import rank_by
from harness.tracking.run import Run
from harness.tracking.store import Store, tracking_uri
from harness.values import names
from harness.values.errors import HarnessError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """Result of a sweep.

    :param run_id: MLflow run of the sweep.
    :param failed: one sentence for each trial that failed.
    :param remaining: grid cells that are still to run (the budget was used up).
    :param storage: where Optuna keeps the study: a journal file, or a URL without its password.
    :param uri: tracking store of the runs, as it is: it may hold a password.
    """

    run_id: str
    experiment: str
    finished: int
    failed: tuple[str, ...]
    remaining: int
    best: dict[str, Any] | None
    storage: str = ""
    uri: str = field(default="", repr=False)


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
    plan = Plan(sweep, tuple(overrides), config_dir, workers)
    plan = replace(plan, matched=matched_budget(plan))
    parts = [replace(plan, sweep=part) for part in searched_cells(sweep)] if sweep.grid and sweep.search else [plan]
    made = [make_plan(part) for part in parts]  # a mistake in the last one shows now
    check_transfer_choice(sweep, [sample for _, sample in made])
    return together([_run(plan, sample, command, progress) for plan, sample in made])


def searched_cells(sweep: Sweep) -> list[Sweep]:
    """Return a search for each cell of a grid, each with the whole budget of trials, all in one experiment."""
    return [
        sweep.model_copy(
            update={
                "grid": (),
                "part": re.sub(r"[^\w.=-]+", "_", " ".join(as_overrides(cell))),
                "overrides": (*sweep.overrides, *as_overrides(cell)),
            }
        )
        for cell in cells(sweep)
    ]


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome of several searches; the best is the best of each, of which there is one only where the
    study is one: scores of different cells are of different dev sets.
    """
    first = outcomes[0]
    failed = tuple(failure for outcome in outcomes for failure in outcome.failed)
    return Outcome(
        first.run_id, first.experiment, sum(outcome.finished for outcome in outcomes), failed,
        sum(outcome.remaining for outcome in outcomes), first.best if len(outcomes) == 1 else None, first.storage,
        first.uri,
    )  # fmt: skip


def _run(plan: Plan, sample: Config, command: str, progress: bool) -> Outcome:
    sweep = plan.sweep
    launcher: Launcher = InProcess() if plan.workers == 1 else LocalProcesses()
    with study_lock(sweep, plan.folder):
        repair_journal(sweep, plan.folder)
        ledger = Ledger(sweep, plan.folder)
        store = Store(tracking_uri(sample.tracking))
        waiting = _take_stock(ledger, plan, store, sample)
        parent = ledger.parent if ledger.parent and store.has_run(ledger.parent) else None
        with Run(store, sweep.name, name=sweep.study, tags=_tags(plan, sample, command), run_id=parent) as run:
            ledger.note_parent(run.run_id)
            store.present(store.experiment_id(sweep.name), sample.data.languages, sweep.description)
            run.log_json(names.SWEEP, sweep.model_dump(mode="json", exclude={"storage"}))
            logger.info("%s", _header(plan, sample, waiting, store.uri))
            run.unchanged = bool(sweep.grid) and not waiting
            deadline = time.time() + 3600 * sweep.budget.hours if sweep.budget.hours else None
            failed = launcher.run(replace(plan, parent=run.run_id, deadline=deadline), progress=progress)
            outcome = _record_outcome(ledger, plan, run, failed, store)
        if sweep.grid:
            try:
                summarise(store, sweep.name, outcome.run_id)
            except HarnessError as error:  # nothing that was worked for may be lost over it
                logger.warning("the means over seeds were not recorded: %s", error)
        return outcome


def _header(plan: Plan, sample: Config, waiting: int, uri: str) -> str:
    """Return one line that says what a study will do."""
    sweep = plan.sweep
    size = f"{len(plan.wanted)} cells, {waiting} to run" if sweep.grid else "a search"
    if not sweep.grid and sweep.budget.trials:
        size = f"a search of {sweep.budget.trials} trials"
    machine = machine_part(sample, sample.trainer.threads or plan.cores)
    workers = f"{plan.workers} workers, each on {machine}" if plan.workers > 1 else machine
    return f"{sweep.name}: {size}; {sample.data.name}; {workers}; recorded in {mask_url(uri)}"


def make_plan(plan: Plan) -> tuple[Plan, Config]:
    """Compose every cell, and return what all workers must know, with one of the configurations.

    :raises ConfigError: a cell is not a valid configuration, or the objective breaks the protocol.
    """
    sweep = plan.sweep
    composed = compose_cells(plan)
    configs = [config for config, _ in composed.values()]
    check_transfer_choice(sweep, configs)
    objective = {checked_objective(sweep, config) for config in configs}.pop()
    return replace(
        plan,
        objective=objective,
        folder=study_folder(tracking_uri(configs[0].tracking)),
        wanted={key: cell for key, (_, cell) in composed.items()} if sweep.grid else {},
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


def _record_outcome(ledger: Ledger, plan: Plan, run: Run, failed: Sequence[str], store: Store) -> Outcome:
    """Record how the study stands, and its best trial where one measure ranks them all."""
    finished = ledger.finished(plan.wanted.keys())
    complete = [trial for trial in finished if trial.state == TrialState.COMPLETE]
    remaining = len(plan.wanted.keys() - ledger.finished_keys())
    metrics = {
        names.SWEEP_FINISHED: float(len(finished)),
        names.SWEEP_FAILED: float(len(failed)),
        names.SWEEP_REMAINING: float(remaining),
    }
    best = None
    metric, values = _ranking(complete, plan, store)
    if values:
        sign = 1 if plan.sweep.direction == "maximize" else -1
        top = max(complete, key=lambda trial: sign * values[trial.number])
        best = {
            "trial": top.number,
            "value": values[top.number],
            "metric": metric,
            "cell": top.user_attrs.get(names.TRIAL_CELL),
            "run_id": top.user_attrs.get(names.TRIAL_RUN),
        }
        metrics[names.SWEEP_BEST] = values[top.number]
        run.log_json(names.BEST, best)
    run.log_metrics(metrics)
    if failed:
        run.failure = f"{len(failed)} trials failed, first {failed[0]}"
    storage = mask_url(plan.sweep.storage) if plan.sweep.storage else str(journal_path(plan.sweep, plan.folder))
    return Outcome(run.run_id, plan.sweep.name, len(finished), tuple(failed), remaining, best, storage, store.uri)


def _ranking(complete: Sequence[FrozenTrial], plan: Plan, store: Store) -> tuple[str, dict[int, float]]:
    """Return what ranks the finished trials, and its values by number; nothing where no measure does.

    A search has its objective. The cells of a grid are of different methods: the dev sets of their mixtures rank them
    only where these are the same, else a proxy does that all were scored on.
    """
    own = {trial.number: trial.value or 0.0 for trial in complete}
    if not complete or not plan.sweep.grid or plan.objective != names.BEST_DEV_F1:
        return plan.objective, own
    runs = {trial.number: store.run(str(trial.user_attrs.get(names.TRIAL_RUN))).data for trial in complete}
    metric = rank_by(list(runs.values()))
    if metric is None:
        return "", {}
    return metric, {number: run.metrics[metric] for number, run in runs.items()}
