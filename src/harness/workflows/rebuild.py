"""Training a run again from its own command, for an export of what a study did not keep."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from harness.config import Config, compose_config
from harness.experiment.prepare import prepare
from harness.experiment.warm import Warm
from harness.tracking.records import Record
from harness.tracking.store import Store
from harness.values import names
from harness.values.errors import UsageError

_COPIED = (names.KIND, names.STUDY, names.TRIAL, names.TRIAL_KEY)
"""Tags that make the new run a member of its study."""


class Run(Protocol):
    """How an experiment is run, see :func:`harness.pipeline.run_experiment`."""

    def __call__(self, config: Config, *, command: str, warm: Warm, parent: str | None, tags: dict[str, str]) -> Any:
        """Run it, and return a result with ``run_id`` and ``metrics``."""


def recomposed(record: Record, overrides: Sequence[str] = ()) -> Config:
    """Return the configuration of a run, composed again from its command.

    :param overrides: added to it; where runs are recorded is not taken from the command.
    :raises UsageError: its command cannot be repeated.
    """
    words = repeatable_words(record)
    config_dir = Path(words[words.index("--config-dir") + 1]) if "--config-dir" in words else None
    return compose_config([*(w for w in words[2:] if "=" in w and not w.startswith("--")), *overrides], config_dir)


def repeatable_words(record: Record) -> list[str]:
    """Return the words of a run's command.

    :raises UsageError: it cannot be repeated.
    """
    command = record.tags.get(names.COMMAND, "")
    words = [word for word in shlex.split(command) if not word.startswith("tracking.")]  # the store is ours
    if words[:2] != ["harness", "run"] or any("***" in word for word in words):
        why = "holds a masked password" if "***" in command else "is not a harness run"
        raise UsageError(f"run {record.run_id} cannot be trained again: its command {why}: {command}")
    return words


def rebuild_run(store: Store, record: Record, run_experiment: Run) -> tuple[Record, float]:
    """Train a finished run again, this time keeping its checkpoint.

    :returns: the new run, and the largest difference of an entity F1 from the old one, 0..1: 0 on the same machine.
    :raises UsageError: its command cannot be repeated, or the data has changed since.
    """
    command = record.tags.get(names.COMMAND, "")
    repeatable_words(record)  # before anything is asked of the store
    experiment = store.client.get_experiment(store.run(record.run_id).info.experiment_id).name
    config = recomposed(
        record, ["tracking.checkpoints=all", f"tracking.uri={store.uri}", f"tracking.experiment={experiment}"]
    )
    warm = Warm()
    former, current = record.params.get(names.DATA_DIGEST), prepare(config, warm).data_params[names.DATA_DIGEST]
    if former is not None and former != current:
        raise UsageError(
            f"run {record.run_id} cannot be trained again: the files of {config.data.name} have changed since"
        )
    result = run_experiment(
        config,
        command=command,
        warm=warm,
        parent=record.tags.get(names.PARENT),
        tags={name: record.tags[name] for name in _COPIED if name in record.tags} | {names.REBUILT: record.run_id},
    )
    figures = [name for name in record.metrics if names.is_test_f1(name)]
    difference = max((abs(record.metrics[name] - result.metrics.get(name, 0.0)) for name in figures), default=0.0)
    run = store.run(result.run_id)
    return Record(result.run_id, run.info.status, run.data.params, run.data.metrics, run.data.tags), difference
