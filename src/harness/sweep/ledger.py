"""The Optuna side of a sweep: a study that survives kills, and a queue of cells that several workers share.

A journal file beside the tracking store keeps the study (Optuna advises against sqlite for parallel work); a storage
URL uses Optuna's database storage instead. On one machine one launcher at a time holds the study's lock, and its
workers a second one. On several machines that share a storage URL, each trial names its process and gives a sign of
life every minute: a trial found RUNNING is closed, in MLflow too, and queued again only when its process on this
machine is gone or another machine has been silent for :data:`SILENT_SECONDS`.
"""

import fcntl
import json
import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import FrozenTrial, TrialState

from harness.config.sweep import Sweep
from harness.machine.files import made_whole
from harness.machine.locks import file_lock
from harness.machine.provenance import mask_url
from harness.tracking.database import DRIVERS
from harness.tracking.store import process_name
from harness.values.errors import ConfigError, DependencyError, HarnessError

logger = logging.getLogger(__name__)

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
CELL = "harness.cell"
"""User attribute of a grid trial: its cell and seed."""
KEY = "harness.key"
"""User attribute: digest of the resolved configuration and seed; what makes a trial the same as another."""
RUN = "harness.run_id"
"""User attribute: the MLflow run of the trial's last attempt."""
PROCESS = "harness.process"
"""User attribute: the process that runs the trial, see :func:`harness.tracking.store.process_name`."""
ALIVE = "harness.alive"
"""User attribute: seconds since the epoch at the last sign of life."""

ALIVE_SECONDS = 60.0
"""Between two signs of life; each is a line of the journal or a row of the database."""
SILENT_SECONDS = 600.0
"""After which a trial of another machine counts as dead: ten missed signs, and room for clocks that differ."""


def open_study(sweep: Sweep, folder: Path, *, worker: int = 0) -> optuna.Study:
    """Open or create the study of a sweep.

    :param folder: where the journal lives when the sweep names no storage.
    :param worker: number of the process; each draws other proposals, and a resumed study goes on with new ones.
    :raises ConfigError: the storage cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with _storage_errors(sweep, folder):
        study = optuna.create_study(
            study_name=sweep.name,
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
        with made_whole(path, lambda made: _close(optuna.storages.RDBStorage(f"sqlite:///{made}"))):
            pass
    return sweep.storage


def _close(storage: Any) -> None:
    storage.engine.dispose()


class WholeLines(JournalFileBackend):
    """Optuna's journal file, in which a line is whole or not there.

    Optuna reads over a last line without its end (a kill or a full disk left it) and then writes the next one behind
    it, after which nobody can read the journal.
    """

    def __init__(self, path: Path) -> None:
        self._journal = path
        self._writing = JournalFileSymlinkLock(str(path))
        super().__init__(str(path), lock_obj=self._writing)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append records; on a full disk the journal stays as it was."""
        text = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in logs)
        self._writing.acquire()
        try:
            # Without a buffer, which would be written out once more, and fail once more, before the file is cut.
            with self._journal.open("r+b", buffering=0) as file:
                end = _cut_torn_line(file, self._journal)
                file.seek(end)
                try:
                    left = memoryview(text.encode("utf-8"))
                    while left:
                        left = left[file.write(left) :]
                    os.fsync(file.fileno())
                except OSError:
                    with suppress(OSError):
                        file.truncate(end)
                    raise
        finally:
            self._writing.release()


def journal_path(sweep: Sweep, folder: Path) -> Path:
    """Return the file that keeps a study without a storage URL."""
    return folder / f"{sweep.name}.journal"


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
    return mask_url((str(getattr(cause, "orig", None) or cause).splitlines() or [type(error).__name__])[0])


def repair_journal(sweep: Sweep, folder: Path) -> None:
    """Cut off a last line without its end, and free Optuna's lock; whoever calls holds the study's lock."""
    path = journal_path(sweep, folder)
    if sweep.storage or not path.is_file():
        return
    # Optuna's own lock beside the journal stays when its holder is killed; nobody else can hold it now.
    for name in (f"{path}.lock", f"{path}.lock.rename"):
        with suppress(FileNotFoundError):
            Path(name).unlink()
    with path.open("r+b") as file:
        _cut_torn_line(file, path)


def _cut_torn_line(file: Any, path: Path) -> int:
    """Cut off a last line without its end, and return the position after the last whole one."""
    size = int(file.seek(0, os.SEEK_END))
    end = _last_line_end(file, size)
    if end < size:
        logger.warning("%s: the last line was cut off (%d bytes) and is left out", path, size - end)
        file.truncate(end)
    return end


def _last_line_end(file: Any, size: int) -> int:
    """Return the position after the last line break of a file, reading from its end."""
    end = size
    while end > 0:
        start = max(0, end - 65_536)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return int(start + found + 1)
        end = start
    return 0


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

    The workers of a launcher that was killed end within seconds, and are waited for.

    :raises ConfigError: another launcher, or a worker of one, holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{sweep.name}.lock"
    refused = (
        f"study {sweep.name!r} is being run by another process on this machine ({path}); wait for it, or launch once "
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
    return folder / f"{sweep.name}.workers"


@contextmanager
def signs_of_life(trial: optuna.Trial) -> Iterator[None]:
    """Give a sign of life every minute while a trial runs."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(ALIVE_SECONDS):
            try:
                trial.set_user_attr(ALIVE, time.time())
            except Exception as error:  # noqa: BLE001 - whatever a storage raises: the trial itself goes on
                logger.debug("no sign of life could be written: %s", error)

    trial.set_user_attr(PROCESS, process_name(os.getpid()))
    trial.set_user_attr(ALIVE, time.time())
    thread = threading.Thread(target=beat, name="signs-of-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(10)


NAMELESS_SECONDS = 60.0
"""After which a trial that names no process counts as dead: it is named right after it is taken."""


def is_dead(trial: FrozenTrial) -> bool:
    """Return True where the process of a running trial is gone."""
    name = str(trial.user_attrs.get(PROCESS, ""))
    host, _, rest = name.rpartition("/")
    if host == platform.node() and rest:
        number = rest.partition("@")[0]
        return not number.isdigit() or process_name(int(number)) != name
    started = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    if not rest:
        return time.time() - started > NAMELESS_SECONDS
    return time.time() - float(trial.user_attrs.get(ALIVE, started)) > SILENT_SECONDS


def close_stale_trials(
    study: optuna.Study, finished: Callable[[FrozenTrial], float | None], *, alone: bool = False
) -> list[str]:
    """Close the trials of dead processes, and return the MLflow runs they left open.

    :param alone: nobody else can be at work on this study, because its journal's lock is held; then a trial that
        names no process is dead, however young.
    :param finished: the objective of a trial whose run had ended well before its process died, else nothing: that
        work is not done again.
    """
    runs = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if not is_dead(trial) and not (alone and PROCESS not in trial.user_attrs):
            logger.info("trial %d is being run by %s", trial.number, trial.user_attrs.get(PROCESS, "another process"))
            continue
        value = finished(trial)
        if value is not None:
            tell(study, trial.number, value)
            continue
        tell(study, trial.number, state=TrialState.FAIL)
        runs += [str(trial.user_attrs[RUN])] if RUN in trial.user_attrs else []
        logger.info("trial %d belonged to a process that died; it is run again", trial.number)
    return runs


def tell(study: optuna.Study, trial: optuna.Trial | int, value: float | None = None, **options: Any) -> None:
    """Tell the study the result of a trial; one that somebody else closed in the meantime stays as it is."""
    try:
        study.tell(trial, value, **options)
    except ValueError as error:
        number = trial if isinstance(trial, int) else trial.number
        logger.warning(
            "trial %d was closed by another launcher (%s); its run stays in the tracking store", number, error
        )


def adopt_finished(
    study: optuna.Study, found: Mapping[str, tuple[str, float]], wanted: Mapping[str, dict[str, Any]]
) -> int:
    """Enter cells whose runs are finished in the tracking store and unknown to the study (its journal was lost).

    :param found: key → MLflow run and objective.
    :returns: how many were entered.
    """
    known = {str(trial.user_attrs.get(KEY)) for trial in study.get_trials(deepcopy=False, states=FINISHED)}
    missing = [key for key in wanted if key in found and key not in known]
    for key in missing:
        run_id, value = found[key]
        study.add_trial(optuna.trial.create_trial(value=value, user_attrs={KEY: key, CELL: wanted[key], RUN: run_id}))
    return len(missing)


def runs_elsewhere(study: optuna.Study, trial: optuna.Trial) -> bool:
    """Return True where an earlier trial of the same cell is being run by a living process."""
    key = trial.user_attrs.get(KEY)
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return any(one.number < trial.number and one.user_attrs.get(KEY) == key and not is_dead(one) for one in running)


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
    # Those that run now belong to living processes of another launcher; dead ones have been closed.
    under_way = (TrialState.WAITING, TrialState.RUNNING)
    queued = {str(t.user_attrs.get(KEY)) for t in study.get_trials(deepcopy=False, states=under_way)}
    for key, cell in wanted.items():
        if key not in done and key not in queued:
            study.enqueue_trial({}, user_attrs={KEY: key, CELL: cell})
    return len(wanted.keys() - done)


def has_waiting(study: optuna.Study) -> bool:
    """Tell whether a queued trial is left."""
    return bool(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))
