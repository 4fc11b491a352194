"""The Optuna side of a sweep: a study that survives kills, and a queue of cells that several workers share.

A journal file beside the tracking store keeps the study (Optuna advises against sqlite for parallel work); a storage
URL uses Optuna's database storage instead. One launcher at a time holds the study's lock, so trials found RUNNING
at start-up belong to a process that died: they are closed, in MLflow too, and queued again.
"""

import fcntl
import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from harness.errors import ConfigError
from harness.provenance import mask_url
from harness.sweep.space import Sweep

logger = logging.getLogger(__name__)

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
CELL = "harness.cell"
"""User attribute of a grid trial: its cell and seed."""
KEY = "harness.key"
"""User attribute: digest of the resolved configuration and seed; what makes a trial the same as another."""
RUN = "harness.run_id"
"""User attribute: the MLflow run of the trial's last attempt."""


def open_study(sweep: Sweep, folder: Path, *, worker: int = 0) -> optuna.Study:
    """Open or create the study of a sweep.

    :param folder: where the journal lives when the sweep names no storage.
    :param worker: number of the process; each draws other proposals, and a resumed study goes on with new ones.
    :raises ConfigError: the storage cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage: Any
    if sweep.storage:
        storage = sweep.storage
    else:
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        folder.mkdir(parents=True, exist_ok=True)
        storage = JournalStorage(JournalFileBackend(str(folder / f"{sweep.name}.journal")))
    try:
        study = optuna.create_study(
            study_name=sweep.name,
            storage=storage,
            direction=sweep.direction,
            pruner=_pruner(sweep),
            load_if_exists=True,
        )
        study.sampler = _sampler(sweep, seed=sweep.sampler.seed + 1000 * len(study.get_trials(deepcopy=False)) + worker)
        return study
    except Exception as error:
        if sweep.storage and type(error).__module__.startswith(("sqlalchemy", "optuna")):
            reason = mask_url(str(error).splitlines()[0])
            raise ConfigError(f"storage: {mask_url(sweep.storage)} cannot be opened: {reason}") from error
        raise


def _sampler(sweep: Sweep, *, seed: int) -> optuna.samplers.BaseSampler:
    settings = sweep.sampler
    if settings.name == "random" or sweep.grid:
        return optuna.samplers.RandomSampler(seed=seed)
    # Group: conditional spaces; both spelled out because Optuna 5 changed the defaults.
    return optuna.samplers.TPESampler(
        seed=seed,
        n_startup_trials=settings.startup_trials,
        multivariate=True,
        group=True,
        constant_liar=True,
    )


def _pruner(sweep: Sweep) -> optuna.pruners.BasePruner:
    settings = sweep.pruner
    if settings.name == "median":
        return optuna.pruners.MedianPruner(settings.startup_trials, settings.warmup_epochs)
    if settings.name == "percentile":
        return optuna.pruners.PercentilePruner(settings.percentile, settings.startup_trials, settings.warmup_epochs)
    if settings.name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=max(1, settings.warmup_epochs))
    return optuna.pruners.NopPruner()


@contextmanager
def study_lock(sweep: Sweep, folder: Path) -> Iterator[None]:
    """Hold a study for one launcher on this machine; the lock goes with the process, however it ends.

    :raises ConfigError: another launcher holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{sweep.name}.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(
                f"study {sweep.name!r} is being run by another process on this machine ({path}); wait for it, "
                "or launch once with --workers N"
            ) from None
        yield


def close_stale_trials(study: optuna.Study) -> list[str]:
    """Mark trials of a dead process as failed and return the MLflow runs they left open."""
    runs = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        runs += [str(trial.user_attrs[RUN])] if RUN in trial.user_attrs else []
        logger.info("trial %d belonged to a process that died; it is run again", trial.number)
    return runs


def finished_keys(study: optuna.Study) -> set[str]:
    """Return the keys of trials that need not be run again."""
    return {str(t.user_attrs[KEY]) for t in study.get_trials(deepcopy=False, states=FINISHED) if KEY in t.user_attrs}


def finished_trials(study: optuna.Study, wanted: Collection[str] = ()) -> list[FrozenTrial]:
    """Return complete and pruned trials.

    :param wanted: keys of the cells that belong to the study as it stands; empty for all trials.
    """
    found = study.get_trials(deepcopy=False, states=FINISHED)
    return [trial for trial in found if not wanted or trial.user_attrs.get(KEY) in wanted]


def started_trials(study: optuna.Study, wanted: Collection[str] = ()) -> int:
    """Return how many trials are finished or running: what counts against a budget."""
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return len(finished_trials(study, wanted)) + sum(not wanted or t.user_attrs.get(KEY) in wanted for t in running)


def queue_cells(study: optuna.Study, wanted: Mapping[str, dict[str, Any]]) -> int:
    """Queue the cells that are neither finished nor queued; return how many are to run.

    :param wanted: key → cell, in the order to run. Queued cells that are no longer wanted are passed over later.
    """
    done = finished_keys(study)
    queued = {str(t.user_attrs.get(KEY)) for t in study.get_trials(deepcopy=False, states=(TrialState.WAITING,))}
    for key, cell in wanted.items():
        if key not in done and key not in queued:
            study.enqueue_trial({}, user_attrs={KEY: key, CELL: cell})
    return len(wanted.keys() - done)


def has_waiting(study: optuna.Study) -> bool:
    """Tell whether a queued trial is left."""
    return bool(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))
