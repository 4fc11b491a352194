"""Launching a sweep: one parent run, trials as children, any number of worker processes.

One process keeps tokenised corpora and pretrained weights from trial to trial. Several processes share the cores:
two torch processes with all threads each slow one another down more than tenfold.
"""

import itertools
import logging
import multiprocessing
import multiprocessing.connection
import os
import queue
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from harness.config import Config, compose_config
from harness.experiment.identity import identity_digest
from harness.machine.locks import file_lock
from harness.machine.provenance import available_cores, command_line
from harness.pipeline import Result, Warm, run_experiment
from harness.sweep.ledger import (
    CELL,
    KEY,
    RUN,
    adopt_finished,
    close_stale_trials,
    finished_keys,
    finished_trials,
    has_waiting,
    open_study,
    queue_cells,
    repair_journal,
    runs_elsewhere,
    signs_of_life,
    started_trials,
    study_lock,
    tell,
    workers_lock,
)
from harness.sweep.space import (
    Sweep,
    Value,
    as_overrides,
    cells,
    check_transfer_choice,
    checked_objective,
    probes,
    suggest,
)
from harness.tracking.store import Pruned, Run, Store, artifact_folder, tracking_uri
from harness.values.errors import ConfigError, HarnessError, listing

logger = logging.getLogger(__name__)

PARENT = "harness.parent_run_id"
SETTINGS = "harness.settings"


@dataclass(frozen=True)
class Plan:
    """What every worker must know.

    :param wanted: key → cell (overrides with the seed) of a grid; empty for a search.
    :param deadline: seconds since the epoch after which no trial starts.
    :param parent: MLflow run of the sweep.
    """

    sweep: Sweep
    overrides: tuple[str, ...]
    config_dir: Path | None
    objective: str
    folder: Path
    workers: int
    wanted: Mapping[str, dict[str, Value]] = field(default_factory=dict)
    deadline: float | None = None
    parent: str = ""

    def trial_overrides(self, cell: Mapping[str, Value], seed: int) -> list[str]:
        """Return the overrides of one run, complete enough for ``harness run``."""
        fixed = [f"trainer.threads={max(1, available_cores() // self.workers)}"] if self.workers > 1 else []
        return [
            *self.sweep.overrides, *self.overrides, *fixed, *as_overrides(cell),
            f"seed={seed}", f"tracking.experiment={self.sweep.name}",
        ]  # fmt: skip

    def config(self, cell: Mapping[str, Value], seed: int) -> Config:
        """Compose the configuration of one run."""
        return compose_config(self.trial_overrides(cell, seed), self.config_dir)


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
    configs = _composed(plan)
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
        _same_settings(study, sweep, sample)
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
            failed = _work(plan, progress) if workers == 1 else _spawn(plan)
            outcome = _outcome(study, plan, run, failed)
    return outcome


def study_folder(uri: str) -> Path:
    """Return where the journals of studies lie: beside a local tracking database, else in ``mlruns`` here."""
    local = artifact_folder(uri)
    return (local.parent if local else Path.cwd() / "mlruns") / "studies"


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


def _composed(plan: Plan) -> dict[str, tuple[Config, dict[str, Value]]]:
    """Compose every cell, or the edges of a search space, before anything runs: a mistake in the last one shows now.

    :returns: key → configuration and cell, the seed among its values.
    """
    composed: dict[str, tuple[Config, dict[str, Value]]] = {}
    settings = cells(plan.sweep) if plan.sweep.grid else probes(plan.sweep.search)
    for cell, seed in itertools.product(settings, plan.sweep.seeds):
        try:
            config = plan.config(cell, seed)
        except ConfigError as error:
            raise ConfigError(f"cell {' '.join(as_overrides(cell))}: {error}") from error
        composed[identity_digest(config)] = (config, {**cell, "seed": seed})
    return composed


def _same_settings(study: optuna.Study, sweep: Sweep, sample: Config) -> None:
    """A searched study must not mix trials of different settings.

    :param sample: the configuration at the lower edge of the search space.
    :raises ConfigError: the study has finished trials of others.
    """
    if sweep.grid:
        return
    settings = {
        "overrides": identity_digest(sample),
        "search": sweep.model_dump(mode="json")["search"],
        "seeds": list(sweep.seeds),
        "objective": sweep.objective,
    }
    former = study.user_attrs.get(SETTINGS)
    if former == settings:
        return
    if former is not None and finished_trials(study):
        changed = [name for name in settings if former.get(name) != settings[name]]
        raise ConfigError(
            f"study {sweep.name!r} was begun with other settings ({listing(changed)} changed); "
            "give the sweep another name, or go back to the former settings"
        )
    study.set_user_attr(SETTINGS, settings)


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


def _work(plan: Plan, progress: bool, worker: int = 0) -> list[str]:
    """Run trials until the queue is empty or the budget used up; return what failed."""
    study = open_study(plan.sweep, plan.folder, worker=worker)
    warm = Warm()
    failed: list[str] = []
    # Failed trials are tried once a launch, so a study whose every trial fails still ends.
    while not _used_up(study, plan, len(failed)):
        if plan.sweep.grid and not has_waiting(study):
            break
        trial = study.ask()
        if plan.sweep.grid and trial.user_attrs.get(KEY) not in plan.wanted:
            tell(study, trial, state=TrialState.FAIL)  # another worker took the last cell, or the grid has changed
            continue
        if plan.sweep.grid and (trial.user_attrs[KEY] in finished_keys(study) or runs_elsewhere(study, trial)):
            tell(study, trial, state=TrialState.FAIL)
            continue
        try:
            with signs_of_life(trial):
                value = _run_trial(study, trial, plan, warm, progress)
        except Pruned:
            tell(study, trial, state=TrialState.PRUNED)
        except Exception as error:
            # Whatever it is (an encoder out of memory, a defect): the other trials go on, and the sweep ends as FAILED.
            tell(study, trial, state=TrialState.FAIL)
            kind = "" if isinstance(error, HarnessError) else f"{type(error).__name__}: "
            failed.append(f"trial {trial.number}: {kind}{error}")
            logger.error(
                "trial %d failed: %s%s", trial.number, kind, error, exc_info=logger.isEnabledFor(logging.DEBUG)
            )
            warm = Warm()  # whatever it held may be what filled the memory
        except BaseException:
            tell(study, trial, state=TrialState.FAIL)
            raise
        else:
            tell(study, trial, value)
    return failed


def _used_up(study: optuna.Study, plan: Plan, failed: int) -> bool:
    if plan.deadline is not None and time.time() >= plan.deadline:
        return True
    limit = plan.sweep.budget.trials
    return limit is not None and started_trials(study, plan.wanted.keys()) + failed >= limit


def _run_trial(study: optuna.Study, trial: optuna.Trial, plan: Plan, warm: Warm, progress: bool) -> float:
    """Run one trial and return its objective: of one seed for a grid cell, the mean of all seeds for a search."""
    if plan.sweep.grid:
        cell = dict(trial.user_attrs[CELL])
        seeds: Sequence[int] = [int(cell.pop("seed"))]
    else:
        cell, seeds = suggest(trial, plan.sweep.search), plan.sweep.seeds
        trial.set_user_attr(CELL, cell)
    logger.info("trial %d: %s", trial.number, " ".join([*as_overrides(cell), *(f"seed={seed}" for seed in seeds)]))
    values = []
    for number, seed in enumerate(seeds):
        result = _run_seed(trial, plan, warm, cell, seed, prune=number == 0, progress=progress)
        if plan.objective not in result.metrics:
            near = [name for name in result.metrics if name.split("/")[-1] == plan.objective.split("/")[-1]]
            raise ConfigError(f"objective: this run logs no {plan.objective!r}; there are {listing(near)}")
        values.append(result.metrics[plan.objective])
    return sum(values) / len(values)


def _run_seed(
    trial: optuna.Trial,
    plan: Plan,
    warm: Warm,
    cell: Mapping[str, Value],
    seed: int,
    *,
    prune: bool,
    progress: bool,
) -> Result:
    overrides = plan.trial_overrides(cell, seed)
    config = compose_config(overrides, plan.config_dir)
    place = ["--config-dir", str(plan.config_dir)] if plan.config_dir else []

    def on_epoch(epoch: int, values: dict[str, float]) -> None:
        if prune and plan.sweep.pruner.name != "none":
            measure = plan.objective.split("/", 2)[2] if plan.objective.startswith("dev/") else "entity_f1"
            trial.report(values[measure], epoch)
            if trial.should_prune():
                raise Pruned(f"dev {measure} {values[measure]:.3f} after epoch {epoch}")

    result = run_experiment(
        config,
        command=command_line(["run", *place, *overrides]),
        warm=warm,
        parent=plan.parent,
        tags={
            "harness.kind": "trial",
            "harness.study": plan.sweep.name,
            "harness.trial": str(trial.number),
            "harness.key": identity_digest(config),
        },
        on_start=lambda run_id: trial.set_user_attr(RUN, run_id),
        on_epoch=on_epoch,
        progress=progress,
    )
    if config.tracking.checkpoints == "best":
        store = Store(tracking_uri(config.tracking))
        experiment = store.experiment_id(plan.sweep.name)
        store.keep_best_checkpoint(experiment, plan.parent, config.method.name, plan.wanted.keys())
    return result


def _spawn(plan: Plan) -> list[str]:
    """Run several worker processes, each with its share of the cores."""
    share = str(max(1, available_cores() // plan.workers))
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = share  # inherited by the workers, which start their own threads
    context = multiprocessing.get_context("spawn")
    failures: Any = context.Queue()
    level = logging.getLogger("harness").level
    processes = [
        context.Process(target=_worker, args=(plan, failures, level, number)) for number in range(plan.workers)
    ]
    for process in processes:
        process.start()
    failed: list[str] = []
    try:
        while any(process.is_alive() for process in processes) or not failures.empty():
            try:
                failed.append(failures.get(timeout=0.5))
            except queue.Empty:
                continue
        for process in processes:
            process.join()
            if process.exitcode:
                failed.append(_worker_failure(process.exitcode))
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()  # SIGTERM ends its run as KILLED
        for process in processes:
            process.join(30)
    return failed


def _worker_failure(code: int) -> str:
    if code == -signal.SIGKILL:
        return (
            "a worker was killed (signal 9), by the system where memory ran out; use fewer --workers, a smaller "
            "trainer.batch_size or a smaller encoder"
        )
    return f"a worker ended with exit code {code}"


def _end_with_launcher() -> None:
    """End this worker when its launcher is gone, however that ended: nobody would wait for it or count its trials."""
    launcher = multiprocessing.parent_process()
    assert launcher is not None

    def watch() -> None:
        multiprocessing.connection.wait([launcher.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)  # ends its run as KILLED
        time.sleep(LAST_STEP_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="launcher", daemon=True).start()


LAST_STEP_SECONDS = 30.0
"""How long a worker may take to end its step of training and its run once its launcher is gone."""


def _worker(plan: Plan, failures: Any, level: int, number: int) -> None:
    from harness.cli import Lines, quiet_libraries, stop_on_sigterm

    logging.basicConfig(level=logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Lines(f"[{os.getpid()}] %(message)s"))
    logging.getLogger("harness").setLevel(level)
    quiet_libraries()
    stop_on_sigterm()
    _end_with_launcher()
    try:
        with file_lock(workers_lock(plan.sweep, plan.folder), "another launcher", shared=True):
            for failure in _work(plan, progress=False, worker=number):
                failures.put(failure)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


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
