"""One worker: takes trials from the ledger until there are none, and books each."""

import logging
import time
from collections.abc import Mapping, Sequence

import optuna
from optuna.trial import TrialState

from harness.config import compose_config
from harness.config.sweep import Value
from harness.experiment.identity import identity_digest
from harness.machine.provenance import command_line
from harness.pipeline import Result, Warm, run_experiment
from harness.sweep.ledger import (
    CELL,
    KEY,
    RUN,
    finished_keys,
    has_waiting,
    open_study,
    runs_elsewhere,
    signs_of_life,
    started_trials,
    tell,
)
from harness.sweep.plan import Plan
from harness.sweep.space import as_overrides, suggest
from harness.tracking.run import Pruned
from harness.tracking.store import Store, tracking_uri
from harness.values.errors import ConfigError, HarnessError, listing

logger = logging.getLogger(__name__)


def work(plan: Plan, progress: bool, worker: int = 0) -> list[str]:
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
