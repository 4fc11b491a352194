"""The ledger of a study: which trials are to run, who runs them, and what came of each.

Any number of workers claim trials, give signs of life, and book the result. On one machine one launcher at a time holds
the study's lock, and its workers a second one. On several machines that share a storage URL, each trial names its
process and gives a sign of life every minute: a trial found RUNNING is closed, in MLflow too, and queued again only
when its process on this machine is gone or another machine has been silent for :data:`SILENT_SECONDS`.
"""

import logging
import os
import platform
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from harness.config.sweep import Sweep
from harness.sweep.storage import open_study
from harness.tracking.store import process_name
from harness.values import names
from harness.values.errors import ConfigError, listing

logger = logging.getLogger(__name__)

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)

ALIVE_SECONDS = 60.0
"""Between two signs of life; each is a line of the journal or a row of the database."""

SILENT_SECONDS = 600.0
"""After which a trial of another machine counts as dead: ten missed signs, and room for clocks that differ."""

NAMELESS_SECONDS = 60.0
"""After which a trial that names no process counts as dead: it is named right after it is taken."""

Cell = dict[str, Any]
"""Overrides of a cell of a grid, the seed among them."""

Finished = Mapping[str, tuple[str, float]]
"""Key of a cell → MLflow run that finished it, and its objective."""


@dataclass(frozen=True)
class Claim:
    """A trial that this process runs.

    :param cell: of a grid, the cell; of a search, nothing yet.
    """

    trial: optuna.Trial
    cell: Cell = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Number of the trial in its study."""
        return self.trial.number

    def note_cell(self, cell: Cell) -> None:
        """Write down what a searched trial runs."""
        self.trial.set_user_attr(names.TRIAL_CELL, cell)

    def note_run(self, run_id: str) -> None:
        """Write down the MLflow run of this attempt."""
        self.trial.set_user_attr(names.TRIAL_RUN, run_id)

    def should_prune(self, value: float, evaluation: int) -> bool:
        """Report the value of an evaluation, from 1, and return True where the study gives the trial up."""
        self.trial.report(value, evaluation)
        return self.trial.should_prune()

    @contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Give a sign of life every minute while the trial runs."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(ALIVE_SECONDS):
                try:
                    self.trial.set_user_attr(names.TRIAL_ALIVE, time.time())
                except Exception as error:  # noqa: BLE001 - whatever a storage raises: the trial itself goes on
                    logger.debug("no sign of life could be written: %s", error)

        self.trial.set_user_attr(names.PROCESS, process_name(os.getpid()))
        self.trial.set_user_attr(names.TRIAL_ALIVE, time.time())
        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(10)


class Ledger:
    """The trials of one study.

    :param worker: number of the process, see :func:`harness.sweep.storage.open_study`.
    """

    def __init__(self, sweep: Sweep, folder: Path, *, worker: int = 0) -> None:
        self.sweep = sweep
        self.study = open_study(sweep, folder, worker=worker)

    # --- what a launcher does before its workers start

    @property
    def parent(self) -> str | None:
        """MLflow run of the sweep."""
        run_id = self.study.user_attrs.get(names.STUDY_PARENT)
        return run_id if isinstance(run_id, str) else None

    def note_parent(self, run_id: str) -> None:
        """Write down the MLflow run of the sweep."""
        self.study.set_user_attr(names.STUDY_PARENT, run_id)

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """Refuse to mix trials of different settings in a search.

        :raises ConfigError: the study has finished trials of others.
        """
        former = self.study.user_attrs.get(names.STUDY_SETTINGS)
        if former == settings:
            return
        if former is not None and self.finished():
            changed = [name for name in settings if former.get(name) != settings[name]]
            raise ConfigError(
                f"study {self.sweep.study!r} was begun with other settings ({listing(changed)} changed); "
                "give the sweep another name, or go back to the former settings"
            )
        self.study.set_user_attr(names.STUDY_SETTINGS, settings)

    def close_stale(self, done: Finished, *, alone: bool = False) -> list[str]:
        """Close the trials of dead processes, and return the MLflow runs they left open.

        :param done: what the tracking store has as finished: work that ended well before its process died is not done
            again.
        :param alone: nobody else can be at work on this study, because its journal's lock is held; then a trial that
            names no process is dead, however young.
        """
        runs = []
        for trial in self._trials((TrialState.RUNNING,)):
            attributes = trial.user_attrs
            if not is_dead(trial) and not (alone and names.PROCESS not in attributes):
                logger.info(
                    "trial %d is being run by %s", trial.number, attributes.get(names.PROCESS, "another process")
                )
                continue
            run_id, value = done.get(str(attributes.get(names.TRIAL_KEY)), ("", 0.0))
            if self.sweep.grid and run_id and run_id == attributes.get(names.TRIAL_RUN):
                self._tell(trial.number, value)
                continue
            self._tell(trial.number, state=TrialState.FAIL)
            runs += [str(attributes[names.TRIAL_RUN])] if names.TRIAL_RUN in attributes else []
            logger.info("trial %d belonged to a process that died; it is run again", trial.number)
        return runs

    def adopt(self, done: Finished, wanted: Mapping[str, Cell]) -> int:
        """Enter cells that are finished in the tracking store and unknown to the study (its journal was lost).

        :returns: how many were entered.
        """
        known = self.finished_keys()
        missing = [key for key in wanted if key in done and key not in known]
        for key in missing:
            run_id, value = done[key]
            attributes = {names.TRIAL_KEY: key, names.TRIAL_CELL: wanted[key], names.TRIAL_RUN: run_id}
            self.study.add_trial(optuna.trial.create_trial(value=value, user_attrs=attributes))
        return len(missing)

    def queue(self, wanted: Mapping[str, Cell]) -> int:
        """Queue the cells that are neither finished nor queued; return how many are to run.

        :param wanted: in the order to run. Queued cells that are no longer wanted are passed over later.
        """
        done = self.finished_keys()
        # Those that run now belong to living processes of another launcher; dead ones have been closed.
        queued = {
            str(trial.user_attrs.get(names.TRIAL_KEY))
            for trial in self._trials((TrialState.WAITING, TrialState.RUNNING))
        }
        for key, cell in wanted.items():
            if key not in done and key not in queued:
                self.study.enqueue_trial({}, user_attrs={names.TRIAL_KEY: key, names.TRIAL_CELL: cell})
        return len(wanted.keys() - done)

    # --- what a worker does

    def claim(self, wanted: Mapping[str, Cell]) -> Claim | None:
        """Take the next trial; nothing where a grid has none left.

        :param wanted: the cells of a grid as it stands; empty for a search, which always has another trial.
        """
        while not self.sweep.grid or self.has_waiting():
            trial = self.study.ask()
            if not self.sweep.grid:
                return Claim(trial)
            key = trial.user_attrs.get(names.TRIAL_KEY)
            # Another worker took the last cell, the grid has changed, or the cell is done or under way elsewhere.
            if key in wanted and key not in self.finished_keys() and not self._runs_elsewhere(trial):
                return Claim(trial, dict(trial.user_attrs[names.TRIAL_CELL]))
            self._tell(trial, state=TrialState.FAIL)
        return None

    def finish(self, claim: Claim, value: float) -> None:
        """Book the objective of a trial."""
        self._tell(claim.trial, value)

    def prune(self, claim: Claim) -> None:
        """Book a trial as given up."""
        self._tell(claim.trial, state=TrialState.PRUNED)

    def fail(self, claim: Claim) -> None:
        """Book a trial as failed: it is queued again by the next launch."""
        self._tell(claim.trial, state=TrialState.FAIL)

    def _tell(self, trial: optuna.Trial | int, value: float | None = None, **options: Any) -> None:
        """Tell the study the result of a trial; one that somebody else closed in the meantime stays as it is."""
        try:
            self.study.tell(trial, value, **options)
        except ValueError as error:
            number = trial if isinstance(trial, int) else trial.number
            logger.warning(
                "trial %d was closed by another launcher (%s); its run stays in the tracking store", number, error
            )

    def _runs_elsewhere(self, trial: optuna.Trial) -> bool:
        """Return True where an earlier trial of the same cell is being run by a living process."""
        key = trial.user_attrs.get(names.TRIAL_KEY)
        return any(
            earlier.number < trial.number and earlier.user_attrs.get(names.TRIAL_KEY) == key and not is_dead(earlier)
            for earlier in self._trials((TrialState.RUNNING,))
        )

    # --- how it stands

    def has_waiting(self) -> bool:
        """Return True where a queued trial is left."""
        return bool(self._trials((TrialState.WAITING,)))

    def finished(self, wanted: Collection[str] = ()) -> list[FrozenTrial]:
        """Return complete and pruned trials.

        :param wanted: keys of the cells that belong to the study as it stands; empty for all trials.
        """
        return [
            trial for trial in self._trials(FINISHED) if not wanted or trial.user_attrs.get(names.TRIAL_KEY) in wanted
        ]

    def finished_keys(self) -> set[str]:
        """Return the keys of cells that need not be run again."""
        return {
            str(trial.user_attrs[names.TRIAL_KEY])
            for trial in self._trials(FINISHED)
            if names.TRIAL_KEY in trial.user_attrs
        }

    def started(self, wanted: Collection[str] = ()) -> int:
        """Return how many trials are finished or running: what counts against a budget."""
        running = self._trials((TrialState.RUNNING,))
        under_way = sum(not wanted or trial.user_attrs.get(names.TRIAL_KEY) in wanted for trial in running)
        return len(self.finished(wanted)) + under_way

    def _trials(self, states: tuple[TrialState, ...]) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=states)


def is_dead(trial: FrozenTrial) -> bool:
    """Return True where the process of a running trial is gone."""
    process = str(trial.user_attrs.get(names.PROCESS, ""))
    host, _, rest = process.rpartition("/")
    if host == platform.node() and rest:
        number = rest.partition("@")[0]
        return not number.isdigit() or process_name(int(number)) != process
    started = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    if not rest:
        return time.time() - started > NAMELESS_SECONDS
    return time.time() - float(trial.user_attrs.get(names.TRIAL_ALIVE, started)) > SILENT_SECONDS
