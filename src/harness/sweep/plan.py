"""What is to run: the cells of a grid or the edges of a search, each composed before anything starts."""

import itertools
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.config import Config, compose_config
from harness.config.sweep import Sweep, Value
from harness.experiment.budget import natural_steps, natural_tokens
from harness.experiment.identity import identity_digest
from harness.experiment.warm import Warm
from harness.machine.provenance import available_cores
from harness.sweep.space import as_overrides, cells, probes
from harness.values import names
from harness.values.errors import ConfigError

logger = logging.getLogger(__name__)

BUDGETS = {names.MAX_STEPS, names.MAX_TOKENS, names.MAX_EPOCHS}
"""Keys by which a cell sets a budget of its own."""


@dataclass(frozen=True)
class Plan:
    """What every worker must know.

    :param wanted: key → cell (overrides with the seed) of a grid; empty for a search.
    :param matched: KEY=VALUE that gives every cell the same budget; a cell that sets one itself keeps it.
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
    matched: str = ""
    deadline: float | None = None
    parent: str = ""

    def trial_overrides(self, cell: Mapping[str, Value], seed: int) -> list[str]:
        """Return the overrides of one run, complete enough for ``harness run``."""
        fixed = [f"trainer.threads={self.cores}"] if self.workers > 1 else []
        if self.matched and not BUDGETS & cell.keys():
            fixed.append(self.matched)
        return [
            *self.sweep.overrides, *self.overrides, *fixed, *as_overrides(cell),
            f"seed={seed}", f"tracking.experiment={self.sweep.name}",
        ]  # fmt: skip

    @property
    def given(self) -> tuple[str, ...]:
        """Overrides of all cells."""
        return (*self.sweep.overrides, *self.overrides)

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
        with _of_cell(cell):
            config = plan.config(cell, seed)
        composed[identity_digest(config)] = (config, {**cell, "seed": seed})
    return composed


def matched_budget(plan: Plan) -> str:
    """Return KEY=VALUE that gives every cell of a grid the same budget; empty where they have it anyway.

    :raises HarnessError: the data cannot be read, or a cell asks for more synthetic sentences than there are.
    """
    sweep = plan.sweep
    key = {"steps": names.MAX_STEPS, "tokens": names.MAX_TOKENS, "epochs": names.MAX_EPOCHS}[sweep.budget_per_cell]
    asked = {override.partition("=")[0] for override in plan.overrides} & BUDGETS
    given = {override.partition("=")[0] for override in plan.given} & (BUDGETS - {names.MAX_EPOCHS})
    if sweep.budget_amount and not asked:
        return f"{key}={sweep.budget_amount}"
    if sweep.budget_amount and not given:
        logger.warning("%s: what the command line says of the budget comes first; cells are not matched", sweep.name)
        return ""
    if not sweep.grid or sweep.budget_per_cell == "epochs" or given:
        return ""
    warm = Warm()
    size = natural_steps if sweep.budget_per_cell == "steps" else natural_tokens
    sizes = {}
    for cell in cells(sweep):
        if not BUDGETS & cell.keys():
            with _of_cell(cell):
                sizes[" ".join(as_overrides(cell))] = size(plan.config(cell, sweep.seeds[0]), warm)
    if len(sizes) < 2:
        return ""
    longest = max(sizes, key=lambda name: sizes[name])
    logger.info(
        "every cell gets %d %s, as many as the longest makes (%s); the shortest has %d of its own",
        sizes[longest], sweep.budget_per_cell, longest, min(sizes.values()),
    )  # fmt: skip
    return f"{key}={sizes[longest]}"


@contextmanager
def _of_cell(cell: Mapping[str, Value]) -> Iterator[None]:
    """Say which cell a mistake is of."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"cell {' '.join(as_overrides(cell))}: {error}") from error


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
