"""A sweep file: a grid or a search, its seeds and its budget."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from harness.config.strict import Strict

Value = str | int | float | bool | None


class Range(Strict):
    """A range for a sampler: numbers from low to high, or a list of choices."""

    low: float | None = None
    """Smallest value."""
    high: float | None = None
    """Largest value."""
    step: float | None = Field(default=None, gt=0)
    """Distance of the values."""
    log: bool = False
    """Sample on a logarithmic scale."""
    integer: bool = False
    """Whole numbers only."""
    choices: tuple[Value, ...] | None = None
    """Values to choose from, instead of a range."""

    @model_validator(mode="after")
    def _complete(self) -> "Range":
        if (self.choices is None) == (self.low is None or self.high is None):
            raise ValueError("give either low and high, or choices")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        if self.log and (self.step is not None or (self.low or 0) <= 0):
            raise ValueError("log needs low above 0 and no step")
        return self


class SamplerConfig(Strict):
    """How Optuna proposes values of a search space."""

    name: Literal["tpe", "random"] = "tpe"
    """tpe: multivariate with conditional groups; random."""
    seed: int = 0
    """Seed of the sampler."""
    startup_trials: int = Field(default=10, ge=0)
    """Random trials before tpe starts to model."""


class PrunerConfig(Strict):
    """When to stop a trial early, by its dev score at each evaluation."""

    name: Literal["none", "median", "percentile", "hyperband"] = "none"
    """Optuna's pruner."""
    startup_trials: int = Field(default=5, ge=0)
    """Finished trials before any is pruned (median, percentile)."""
    warmup_evaluations: int = Field(default=1, ge=0)
    """Evaluations of a trial (trainer.evaluations, at shares of its steps) before it may be pruned."""
    percentile: float = Field(default=25.0, gt=0, lt=100)
    """Share of trials to keep (percentile)."""

    @model_validator(mode="before")
    @classmethod
    def _former_name(cls, values: Any) -> Any:
        """Read ``warmup_epochs``, its name while every epoch ended in an evaluation."""
        if isinstance(values, Mapping) and "warmup_epochs" in values and "warmup_evaluations" not in values:
            return {("warmup_evaluations" if key == "warmup_epochs" else key): value for key, value in values.items()}
        return values


class Budget(Strict):
    """When a study is done; no new trial starts after either is used up."""

    trials: int | None = Field(default=None, ge=1)
    """Finished and pruned trials; a grid is done when every cell is."""
    hours: float | None = Field(default=None, gt=0)
    """Wall time of this launch."""


class Sweep(Strict):
    """One study."""

    name: str = Field(pattern=r"^\w[\w.-]{0,99}$")
    """MLflow experiment and Optuna study: letters, digits, '_', '.' and '-', beginning with a letter or a digit."""
    description: str = ""
    """The question it answers."""
    part: str = Field(default="", exclude=True)
    """Of a study that searches each cell of a grid: the cell; set by itself."""
    overrides: tuple[str, ...] = ()
    """KEY=VALUE for every trial."""
    grid: tuple[dict[str, tuple[Value, ...]], ...] = ()
    """Grids: key → values; the study is the union of their products."""
    search: dict[str, Range] = Field(default={})
    """Search space: key → range or choices. With a grid too, every cell of it is searched for itself, each with the
    whole budget of trials: what is compared afterwards had the same tuning."""
    seeds: tuple[int, ...] = (1,)
    """Each grid cell runs once per seed; a searched trial runs all seeds and scores their mean."""
    objective: str | None = None
    """Metric to optimise; null takes the dev entity F1 that selects the checkpoint (train/best_dev_entity_f1)."""
    direction: Literal["maximize", "minimize"] = "maximize"
    """Whether more is better."""
    sampler: SamplerConfig = SamplerConfig()
    """For a search space."""
    pruner: PrunerConfig = PrunerConfig()
    """For a search space."""
    budget: Budget = Budget()
    """When to stop."""
    budget_per_cell: Literal["steps", "epochs", "tokens"] = "steps"
    """What every cell of a grid has as much of, so that methods are compared and not budgets. steps: optimizer steps;
    tokens: subwords seen; epochs: nothing is matched, a larger mixture trains longer. A cell whose own keys say
    trainer.max_steps, max_tokens or max_epochs keeps these."""
    budget_amount: int | None = Field(default=None, ge=1)
    """How many of them; null: as many as the longest cell makes."""
    storage: str | None = None
    """Optuna storage URL (postgresql://…); null keeps a journal file beside the tracking store."""

    @field_validator("grid", mode="before")
    @classmethod
    def _one_or_many(cls, grid: Any) -> Any:
        return [grid] if isinstance(grid, Mapping) else grid

    @field_validator("grid")
    @classmethod
    def _no_empty_list(cls, grid: tuple[dict[str, tuple[Value, ...]], ...]) -> tuple[dict[str, tuple[Value, ...]], ...]:
        empty = [key for block in grid for key, values in block.items() if not values]
        if empty or not all(grid):
            raise ValueError(f"no values for {empty}" if empty else "an empty grid")
        return grid

    @model_validator(mode="after")
    def _one_kind(self) -> "Sweep":
        if not self.grid and not self.search:
            raise ValueError("give 'grid', 'search', or both")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds must be different and at least one")
        if self.search and self.budget.trials is None and self.budget.hours is None:
            raise ValueError("a search needs budget.trials or budget.hours")
        if self.grid and not self.search and self.pruner.name != "none":
            raise ValueError("a grid compares every cell, so nothing is pruned; remove pruner")
        if self.pruner.name != "none" and self.direction == "minimize":
            raise ValueError("pruners stop trials with a low score; with direction: minimize remove pruner")
        if {"protocol", "data"} & self.search.keys():
            raise ValueError("protocol and data cannot be searched: their scores are not comparable")
        if any(key == "seed" for grid in self.grid for key in grid) or "seed" in self.search:
            raise ValueError("list seeds under 'seeds', not as a key of the space")
        doubled = {key for grid in self.grid for key in grid} & self.search.keys()
        if doubled:
            raise ValueError(f"{sorted(doubled)} stand in the grid and in the search")
        return self

    @property
    def study(self) -> str:
        """Name of the Optuna study: of one cell where each is searched for itself."""
        return f"{self.name}.{self.part}" if self.part else self.name
