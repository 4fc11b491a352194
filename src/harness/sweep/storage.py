"""Opening the study behind a sweep: in a journal file beside the tracking store, or in a database.

Optuna advises against sqlite for parallel work, so a study without a storage URL is a journal.
"""

import fcntl
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage

from harness.config.sweep import Sweep
from harness.machine.files import made_whole
from harness.machine.locks import file_lock
from harness.machine.provenance import mask_url
from harness.sweep.journal import WholeLines, journal_path
from harness.tracking.database import DRIVERS
from harness.tracking.store import artifact_folder
from harness.values.errors import ConfigError, DependencyError, HarnessError, first_line

logger = logging.getLogger(__name__)


def study_folder(uri: str) -> Path:
    """Return where the journals of studies lie: beside a local tracking database, else in ``mlruns`` here."""
    local = artifact_folder(uri)
    return (local.parent if local else Path.cwd() / "mlruns") / "studies"


def open_study(sweep: Sweep, folder: Path, *, worker: int = 0) -> optuna.Study:
    """Open or create the study of a sweep.

    :param folder: where the journal lives when the sweep names no storage.
    :param worker: number of the process; each draws other proposals, and a resumed study goes on with new ones.
    :raises ConfigError: the storage cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with _storage_errors(sweep, folder):
        study = optuna.create_study(
            study_name=sweep.study,
            storage=_storage(sweep, folder),
            direction=sweep.direction,
            pruner=_pruner(sweep),
            load_if_exists=True,
        )
        study.sampler = _sampler(sweep, seed=sweep.sampler.seed + 1000 * len(study.get_trials(deepcopy=False)) + worker)
    return study


def _storage(sweep: Sweep, folder: Path) -> Any:
    if not sweep.storage:
        folder.mkdir(parents=True, exist_ok=True)
        return JournalStorage(WholeLines(journal_path(sweep, folder)))
    if sweep.storage.startswith("sqlite:///"):
        # Its tables are made in several transactions: whole or not at all, as the tracking store's.
        path = Path(sweep.storage.removeprefix("sqlite:///"))
        with made_whole(path, lambda draft: _close(optuna.storages.RDBStorage(f"sqlite:///{draft}"))):
            pass
    return sweep.storage


def _close(storage: Any) -> None:
    storage.engine.dispose()


@contextmanager
def _storage_errors(sweep: Sweep, folder: Path) -> Iterator[None]:
    """Turn what a storage raises when it is opened into one sentence."""
    try:
        yield
    except ImportError as error:
        name = getattr(error.__cause__, "name", None) or error.name or ""
        driver = next((driver for driver in DRIVERS if driver in (name, *str(error).split("'"))), name)
        raise DependencyError(
            f"storage: {mask_url(sweep.storage or '')} needs a driver that is missing ({driver or error}); "
            f"install it with: pip install {DRIVERS.get(driver, driver or 'the driver of the database')}"
        ) from error
    except (json.JSONDecodeError, KeyError, UnicodeDecodeError) as error:
        if sweep.storage:
            raise
        raise ConfigError(
            f"{journal_path(sweep, folder)} is damaged in its middle ({type(error).__name__}: {str(error)[:80]}); "
            "put a copy "
            "in its place, or move it away: finished cells are then found again in the tracking store"
        ) from error
    except Exception as error:
        if sweep.storage and type(error).__module__.startswith(("sqlalchemy", "optuna")):
            raise ConfigError(f"storage: {mask_url(sweep.storage)} cannot be opened: {_reason(error)}") from error
        raise


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error
    return mask_url(first_line(getattr(cause, "orig", None) or cause))


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
        return optuna.pruners.MedianPruner(settings.startup_trials, settings.warmup_evaluations)
    if settings.name == "percentile":
        return optuna.pruners.PercentilePruner(
            settings.percentile, settings.startup_trials, settings.warmup_evaluations
        )
    if settings.name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=max(1, settings.warmup_evaluations))
    return optuna.pruners.NopPruner()


@contextmanager
def study_lock(sweep: Sweep, folder: Path) -> Iterator[None]:
    """Hold a study for one launcher on this machine; the lock goes with the process, however it ends.

    The workers of a launcher that was killed end within seconds, and are waited for.

    :raises ConfigError: another launcher, or a worker of one, holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{sweep.study}.lock"
    refused = (
        f"study {sweep.study!r} is being run by another process on this machine ({path}); wait for it, or launch once "
        "with --workers N"
    )
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(refused) from None
        what = "the workers of a launcher that died"
        try:
            with file_lock(workers_lock(sweep, folder), what, seconds=WORKERS_END_SECONDS):
                pass
        except HarnessError:
            raise ConfigError(refused) from None
        yield


WORKERS_END_SECONDS = 60.0
"""How long a worker may take to end after its launcher: it notices at once, and a step of training must end first."""


def workers_lock(sweep: Sweep, folder: Path) -> Path:
    """Return the lock file that every worker of a study holds."""
    return folder / f"{sweep.study}.workers"
