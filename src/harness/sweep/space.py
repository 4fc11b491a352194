"""The schema of a sweep file, and the experiments it stands for.

A grid lists every value of every key (a list of grids is their union); a search space gives ranges to Optuna's
samplers. The objective is guarded by the zero-shot protocol: it may be a dev score of the source or of synthetic data.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from harness.config import Config
from harness.config.compose import shipped_folder, validated
from harness.config.data import Strict
from harness.config.yaml_files import load_mapping
from harness.pipeline import LABEL_MEASURES, MEASURES
from harness.values.errors import ConfigError, listing, nearest

Value = str | int | float | bool | None

SELECTION = "train/best_dev_entity_f1"
"""Logged by every run: entity F1 of the dev set that selected the checkpoint."""


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
    """When to stop a trial early, by its dev score after each epoch."""

    name: Literal["none", "median", "percentile", "hyperband"] = "none"
    """Optuna's pruner."""
    startup_trials: int = Field(default=5, ge=0)
    """Finished trials before any is pruned (median, percentile)."""
    warmup_epochs: int = Field(default=1, ge=0)
    """Epochs of a trial before it may be pruned."""
    percentile: float = Field(default=25.0, gt=0, lt=100)
    """Share of trials to keep (percentile)."""


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
    overrides: tuple[str, ...] = ()
    """KEY=VALUE for every trial."""
    grid: tuple[dict[str, tuple[Value, ...]], ...] = ()
    """Grids: key → values; the study is the union of their products."""
    search: dict[str, Range] = Field(default={})
    """Search space: key → range or choices."""
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
    storage: str | None = None
    """Optuna storage URL (postgresql://…); null keeps a journal file beside the tracking store."""

    @field_validator("grid", mode="before")
    @classmethod
    def _one_or_many(cls, grid: Any) -> Any:
        return [grid] if isinstance(grid, Mapping) else grid

    @field_validator("grid")
    @classmethod
    def _no_empty_list(cls, grid: tuple[dict[str, tuple[Value, ...]], ...]) -> tuple[dict[str, tuple[Value, ...]], ...]:
        empty = [key for one in grid for key, values in one.items() if not values]
        if empty or not all(grid):
            raise ValueError(f"no values for {empty}" if empty else "an empty grid")
        return grid

    @model_validator(mode="after")
    def _one_kind(self) -> "Sweep":
        if bool(self.grid) == bool(self.search):
            raise ValueError("give either 'grid' or 'search'")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds must be different and at least one")
        if self.search and self.budget.trials is None and self.budget.hours is None:
            raise ValueError("a search needs budget.trials or budget.hours")
        if self.grid and self.pruner.name != "none":
            raise ValueError("a grid compares every cell, so nothing is pruned; remove pruner")
        if self.pruner.name != "none" and self.direction == "minimize":
            raise ValueError("pruners stop trials with a low score; with direction: minimize remove pruner")
        if {"protocol", "data"} & self.search.keys():
            raise ValueError("protocol and data cannot be searched: their scores are not comparable")
        if any(key == "seed" for grid in self.grid for key in grid) or "seed" in self.search:
            raise ValueError("list seeds under 'seeds', not as a key of the space")
        return self


def load_sweep(name: str) -> Sweep:
    """Read a sweep file, or a shipped one by name.

    :raises ConfigError: there is none, or it is not a valid sweep.
    """
    path = Path(name)
    if not path.is_file():
        shipped = {file.stem: file for file in sorted(shipped_folder("sweeps").glob("*.yaml"))}
        stem = path.name.removesuffix(".yaml")
        if stem not in shipped:
            raise ConfigError(f"no such sweep file: {name}{nearest(stem, shipped)}; shipped: {listing(shipped)}")
        path = shipped[stem]
    return validated(Sweep, load_mapping(path, "a mapping with name, overrides, grid or search"))


def cells(sweep: Sweep) -> Iterator[dict[str, Value]]:
    """Yield the cells of the grids, each once, without seeds; the first keys change slowest."""
    seen = set()
    for grid in sweep.grid:
        for values in itertools.product(*grid.values()):
            cell = dict(zip(grid, values, strict=True))
            key = tuple(sorted((name, repr(value)) for name, value in cell.items()))
            if key not in seen:
                seen.add(key)
                yield cell


def as_overrides(cell: Mapping[str, Value]) -> list[str]:
    """Write a cell as KEY=VALUE."""
    return [f"{key}={'null' if value is None else value}" for key, value in cell.items()]


def suggest(trial: Any, search: Mapping[str, Range]) -> dict[str, Value]:
    """Ask Optuna for a value of every key."""
    found: dict[str, Value] = {}
    for key, space in search.items():
        if space.choices is not None:
            found[key] = trial.suggest_categorical(key, list(space.choices))
        elif space.integer:
            assert space.low is not None
            assert space.high is not None
            step = int(space.step) if space.step else 1
            found[key] = trial.suggest_int(key, int(space.low), int(space.high), step=step, log=space.log)
        else:
            found[key] = trial.suggest_float(key, space.low, space.high, step=space.step, log=space.log)
    return found


def probes(search: Mapping[str, Range]) -> Iterator[dict[str, Value]]:
    """Yield settings at the edges of a search space, so that a mistaken key or range shows before anything runs."""
    for edge in ("low", "high"):
        found: dict[str, Value] = {}
        for key, space in search.items():
            if space.choices is not None:
                found[key] = space.choices[0 if edge == "low" else -1]
            else:
                value = getattr(space, edge)
                found[key] = int(value) if space.integer else float(value)
        yield found


def check_transfer_choice(sweep: Sweep, configs: Iterable[Config]) -> None:
    """Refuse a study that would choose a translator or an aligner by downstream F1.

    :raises ConfigError: several of them stand in the space, and the protocol is zero_shot.
    """
    judged = [config for config in configs if config.method.translates and config.protocol != "oracle"]
    # What is searched may differ between its ends; all else stands in the cells, whatever gave it (a key, a preset).
    several = {
        key
        for key, space in sweep.search.items()
        if key.partition(".")[0] in ("translator", "aligner") and (space.choices is None or len(space.choices) > 1)
    }
    for kind in ("translator", "aligner"):
        cards = [getattr(config, kind).model_dump(mode="json", exclude={"ranking"}) for config in judged]
        if len({card["name"] for card in cards}) > 1:
            several.add(kind)
        elif cards:
            several |= {f"{kind}.{key}" for key in cards[0] if any(card[key] != cards[0][key] for card in cards)}
    if several and judged:
        raise ConfigError(
            f"this study would choose {listing(sorted(several))} by downstream F1; rank translators with "
            "'harness translate --score' and aligners with 'harness project --score' and name the best "
            "(protocol=oracle allows a comparison and tags every run)"
        )


def checked_objective(sweep: Sweep, config: Config) -> str:
    """Return the objective of a trial, refusing one that has seen target gold or that no run measures.

    Without one, it is the dev entity F1 that selected the checkpoint.

    :raises ConfigError: it is not a score of the dev set that selects, and the protocol is zero_shot; or there is no
        such measure.
    """
    source = config.data.source.language
    dev = {"source": source, "synthetic": "synthetic", "target": "-".join(config.targets)}[config.method.dev]
    objective = sweep.objective or SELECTION
    if objective == SELECTION:
        return objective
    parts = objective.split("/")
    known = {*MEASURES, *(f"{label}/{measure}" for label in config.data.labels for measure in LABEL_MEASURES)}
    if len(parts) < 3 or "/".join(parts[2:]) not in known:
        raise ConfigError(
            f"objective: {objective!r} is not SPLIT/LANGUAGE/MEASURE, for example dev/{dev}/entity_f1; "
            f"measures: {listing(MEASURES)}"
        )
    if parts[:2] == ["dev", dev] or config.protocol == "oracle":
        return objective
    what = "a test score" if parts[0] == "test" else f"a score on target gold ({parts[1]})"
    if parts[1] not in config.targets and parts[0] != "test":
        what = "not a score of the dev set that selects"
    raise ConfigError(
        f"objective: {objective!r} is {what}; under the zero-shot protocol it must be dev/{dev}/… "
        "(protocol=oracle allows others and tags every run)"
    )
