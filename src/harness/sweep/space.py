"""The schema of a sweep file, and the experiments it stands for.

A grid lists every value of every key (a list of grids is their union); a search space gives ranges to Optuna's
samplers. The objective is guarded by the zero-shot protocol: it may be a dev score of the source or of synthetic data.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.config import Config
from harness.config.compose import shipped_folder
from harness.config.faults import validated
from harness.config.sweep import Range, Sweep, Value
from harness.config.yaml_files import load_mapping
from harness.values import names
from harness.values.errors import ConfigError, listing, nearest
from harness.values.names import LABEL_MEASURES, MEASURES

SELECTION = names.BEST_DEV_F1
"""Logged by every run: entity F1 of the dev set that selected the checkpoint."""


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
    values: dict[str, Value] = {}
    for key, space in search.items():
        if space.choices is not None:
            values[key] = trial.suggest_categorical(key, list(space.choices))
        elif space.integer:
            assert space.low is not None
            assert space.high is not None
            step = int(space.step) if space.step else 1
            values[key] = trial.suggest_int(key, int(space.low), int(space.high), step=step, log=space.log)
        else:
            values[key] = trial.suggest_float(key, space.low, space.high, step=space.step, log=space.log)
    return values


def probes(search: Mapping[str, Range]) -> Iterator[dict[str, Value]]:
    """Yield settings at the edges of a search space, so that a mistaken key or range shows before anything runs."""
    for edge in ("low", "high"):
        values: dict[str, Value] = {}
        for key, space in search.items():
            if space.choices is not None:
                values[key] = space.choices[0 if edge == "low" else -1]
            else:
                value = getattr(space, edge)
                values[key] = int(value) if space.integer else float(value)
        yield values


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
    dev = config.dev_name
    objective = sweep.objective or SELECTION
    recipes = sorted(key for key in sweep.search if key.partition(".")[0] == "method")
    own_dev = objective == SELECTION or objective.split("/")[:2] == ["dev", dev]
    if recipes and own_dev and config.protocol != "oracle":
        raise ConfigError(
            f"search: {listing(recipes)} with {objective!r}: trials of different mixtures are judged by different dev "
            "sets; put these keys into 'grid' (each cell is then searched for itself), or take as objective a proxy "
            f"that is the same for all, such as {names.score('synthetic_dev', names.MEAN, 'entity_f1')}"
        )
    if objective == SELECTION:
        return objective
    parts = objective.split("/")
    known = {*MEASURES, *(f"{label}/{measure}" for label in config.data.labels for measure in LABEL_MEASURES)}
    if len(parts) < 3 or "/".join(parts[2:]) not in known:
        raise ConfigError(
            f"objective: {objective!r} is not SPLIT/LANGUAGE/MEASURE, for example dev/{dev}/entity_f1; "
            f"measures: {listing(MEASURES)}"
        )
    proxy = parts[0] in names.PROXY_SPLITS and parts[2] in names.PROXY_MEASURES
    if parts[:2] == ["dev", dev] or proxy or config.protocol == "oracle":
        return objective
    what = "a test score" if parts[0] == "test" else f"a score on target gold ({parts[1]})"
    if parts[1] not in config.targets and parts[0] != "test":
        what = "not a score of the dev set that selects"
    raise ConfigError(
        f"objective: {objective!r} is {what}; under the zero-shot protocol it must be dev/{dev}/… "
        "(protocol=oracle allows others and tags every run)"
    )
