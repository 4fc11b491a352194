"""What is to run: the cells of a grid or the edges of a search, each composed before anything starts."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.config import Config, compose_config
from harness.config.sweep import Sweep, Value
from harness.experiment.identity import identity_digest
from harness.machine.provenance import available_cores
from harness.sweep.space import as_overrides, cells, probes
from harness.values.errors import ConfigError


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
    workers: int
    objective: str = ""
    folder: Path = Path()
    wanted: Mapping[str, dict[str, Value]] = field(default_factory=dict)
    deadline: float | None = None
    parent: str = ""

    def trial_overrides(self, cell: Mapping[str, Value], seed: int) -> list[str]:
        """Return the overrides of one run, complete enough for ``harness run``."""
        fixed = [f"trainer.threads={self.cores}"] if self.workers > 1 else []
        return [
            *self.sweep.overrides, *self.overrides, *fixed, *as_overrides(cell),
            f"seed={seed}", f"tracking.experiment={self.sweep.name}",
        ]  # fmt: skip

    @property
    def cores(self) -> int:
        """Each worker's share of the cores."""
        return max(1, available_cores() // self.workers)

    def config(self, cell: Mapping[str, Value], seed: int) -> Config:
        """Compose the configuration of one run."""
        return compose_config(self.trial_overrides(cell, seed), self.config_dir)


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


def search_settings(sweep: Sweep, sample: Config) -> dict[str, object]:
    """Return what all trials of a searched study have in common.

    :param sample: the configuration at the lower edge of the search space.
    """
    return {
        "overrides": identity_digest(sample),
        "search": sweep.model_dump(mode="json")["search"],
        "seeds": list(sweep.seeds),
        "objective": sweep.objective,
    }
