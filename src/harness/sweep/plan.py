"""What is to run: the cells of a grid or the edges of a search, each composed before anything starts."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import optuna

from harness.config import Config, compose_config
from harness.config.sweep import Sweep, Value
from harness.experiment.identity import identity_digest
from harness.machine.provenance import available_cores
from harness.sweep.ledger import (
    finished_trials,
)
from harness.sweep.space import as_overrides, cells, probes
from harness.tracking.store import artifact_folder
from harness.values.errors import ConfigError, listing

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


def study_folder(uri: str) -> Path:
    """Return where the journals of studies lie: beside a local tracking database, else in ``mlruns`` here."""
    local = artifact_folder(uri)
    return (local.parent if local else Path.cwd() / "mlruns") / "studies"


def compose_cells(plan: Plan) -> dict[str, tuple[Config, dict[str, Value]]]:
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


def check_same_settings(study: optuna.Study, sweep: Sweep, sample: Config) -> None:
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
