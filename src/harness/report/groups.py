"""Rows of a comparison: runs that differ in their seed alone."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.tracking.records import Record
from harness.values import names
from harness.values.errors import ConfigError, listing, nearest


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed alone.

    :param keys: the values that name the row.
    :param runs: finished, sound runs; the figures come from these.
    :param collapsed: finished runs left out because they collapsed.
    :param unfinished: runs that failed, were pruned, or are still running.
    :param repeated: earlier runs of a seed, whose last one counts.
    :param whole: collapsed runs and models are among the figures.
    """

    keys: tuple[str, ...]
    protocol: str
    runs: tuple[Record, ...]
    collapsed: tuple[Record, ...]
    unfinished: int
    repeated: int = 0
    whole: bool = False

    @property
    def partial(self) -> int:
        """Runs of several models of which some, not all, collapsed."""
        return sum(bool(collapsed_parts(run)) for run in self.runs)

    @property
    def leaks(self) -> str:
        """Test sentences that were trained on, by permission; empty for none."""
        return "; ".join(dict.fromkeys(run.tags[names.LEAKS] for run in self.runs if run.tags.get(names.LEAKS)))

    def with_collapsed(self) -> "Group":
        """Return the row with its collapsed runs, to be shown beside it."""
        return replace(self, runs=(*self.runs, *self.collapsed), whole=True)

    def mean(self, metric: str) -> float | None:
        """Return the mean of a metric over the runs that have it."""
        values = self.values(metric)
        return statistics.fmean(values) if values else None

    def deviation(self, metric: str) -> float | None:
        """Return the sample standard deviation over seeds; nothing for fewer than two runs."""
        values = self.values(metric)
        return statistics.stdev(values) if len(values) > 1 else None

    def values(self, metric: str) -> list[float]:
        """Return a metric's values over the runs that have it; of one language, without models of it that collapsed."""
        language = names.language_of(metric)
        return [
            run.metrics[metric]
            for run in self.runs
            if metric in run.metrics and (self.whole or language not in collapsed_parts(run))
        ]


NOT_A_SETTING = (names.SEED, names.THREADS, *names.SEEDS_APART)
"""Parameters in which runs of one row may differ: the repetition, and the machine's share."""

COLLAPSED_BELOW = 0.5
"""Share of the median dev F1 of a row's seeds below which one of them has collapsed. The median is of three seeds at
least: of two nobody can tell which one is odd."""


def has_key(records: Sequence[Record], name: str) -> bool:
    """Return True if any run has a parameter or tag of this name."""
    full = names.ALIASES.get(name, name)
    return any(full in record.params or full in record.tags for record in records)


def groups(records: Sequence[Record], by: Sequence[str]) -> tuple[list[str], list[Group]]:
    """Group runs that differ in their seed alone.

    :returns: the keys that name a row, and the rows. Where runs of the same ``by`` differ in other settings, those
        become keys too: nothing but seeds is ever averaged.
    :raises ConfigError: a key is neither a parameter nor a tag of any run.
    """
    for name in by:
        if not has_key(records, name):
            full = names.ALIASES.get(name, name)
            known = sorted({key for record in records for key in record.params})
            hint = nearest(full, known)
            raise ConfigError(f"--by {name!r}: no run has it{hint}; parameters: {listing(known, most=40)}")
    collected: dict[tuple[object, ...], list[Record]] = defaultdict(list)
    for record in records:
        settings = {key: value for key, value in record.params.items() if key not in NOT_A_SETTING}
        settings[names.SCORER] = record.tags.get(names.SCORER, "")
        settings[names.PINNED_SEEDS] = ",".join(key for key in names.SEEDS_APART if key in record.params)
        settings[names.LEAKS] = record.tags.get(names.LEAKS, "")
        signature = tuple(sorted(settings.items()))
        collected[(record.key(names.PROTOCOL), tuple(record.key(name) for name in by), signature)].append(record)
    shown = {names.ALIASES.get(name, name) for name in by}
    keys = [*by, *(name for name in _data_columns(records) if name not in shown)]
    keys += [names.LEAKS] if any(record.tags.get(names.LEAKS) for record in records) else []
    keys += _telling_apart(list(collected), {names.ALIASES.get(name, name) for name in keys})
    grouped = []
    for runs in collected.values():
        first = runs[0]
        row = tuple(_row_key(first, name) for name in keys)
        grouped.append(_group(row, first.key(names.PROTOCOL), runs))
    return keys, sorted(grouped, key=lambda group: tuple(_order(value) for value in group.keys))


def _row_key(record: Record, name: str) -> str:
    if name == names.PINNED_SEEDS:
        return ",".join(key for key in names.SEEDS_APART if key in record.params)
    return record.key(name)


def _data_columns(records: Sequence[Record]) -> list[str]:
    """Return the columns that tell runs on different data apart: the corpus, else the test sets under its name."""
    if len({record.key("data") for record in records if names.DATA_NAME in record.params}) > 1:
        return [names.DATA_NAME]
    seen: dict[str, str] = {}
    for record in records:
        for entry in record.params.get(names.DATA_TESTS, "").split(","):
            language, _, digest = entry.partition("=")
            if seen.setdefault(language, digest) != digest:
                return [names.DATA_TESTS]
    return []


def _telling_apart(signatures: Sequence[tuple[Any, ...]], shown: set[str]) -> list[str]:
    """Return the parameters in which rows of the same name differ."""
    same_name: dict[object, list[dict[str, str]]] = defaultdict(list)
    for protocol, row, signature in signatures:
        settings = dict(signature)
        shown_values = tuple(settings.pop(key, None) for key in sorted(shown))
        same_name[(protocol, row, shown_values)].append(settings)
    differing: set[str] = set()
    for rows in same_name.values():
        unequal = {key for row in rows for key in row if len({row.get(key) for row in rows}) > 1}
        # Digests and the corpus's own keys are no names a person can read: shown where nothing else tells rows apart.
        named = {key for key in unequal if not names.is_data(key)}
        if len({tuple(row.get(key) for key in sorted(named)) for row in rows}) < len(rows):
            named = unequal
        differing |= named
    return sorted(differing - shown)


def latest_per_seed(runs: Iterable[Record]) -> list[Record]:
    """Drop earlier attempts: of runs with the same seeds, keep the last finished, else the last."""
    kept: dict[tuple[str, ...], Record] = {}
    for run in runs:
        seeds = tuple(run.key(key) for key in (names.SEED, *names.SEEDS_APART))
        former = kept.get(seeds)
        if former is None or run.status == "FINISHED" or former.status != "FINISHED":
            kept[seeds] = run
    return list(kept.values())


def _group(keys: tuple[str, ...], protocol: str, attempts: Sequence[Record]) -> Group:
    runs = latest_per_seed(attempts)
    finished = [run for run in runs if run.status == "FINISHED"]
    least = _least_score(finished)
    fallen = [_has_collapsed(run, least) for run in finished]
    collapsed = tuple(run for run, has in zip(finished, fallen, strict=True) if has)
    sound = tuple(run for run, has in zip(finished, fallen, strict=True) if not has)
    repeated = sum(run.status == "FINISHED" for run in attempts) - len(finished)
    return Group(keys, protocol, sound, collapsed, len(runs) - len(finished), repeated)


def _least_score(row: Sequence[Record]) -> float:
    """Return the dev F1 below which a run of this row has collapsed; 0 for fewer than three seeds."""
    scores = [run.metrics[names.BEST_DEV_F1] for run in row if names.BEST_DEV_F1 in run.metrics]
    return COLLAPSED_BELOW * statistics.median(scores) if len(scores) > 2 else 0.0


def _has_collapsed(run: Record, least: float) -> bool:
    """Return True for a run that found nothing, or far less on the dev set of its mixture than the seeds beside it."""
    if run.tags.get(names.COLLAPSED) and not collapsed_parts(run):
        return True
    return run.metrics.get(names.BEST_DEV_F1, least) < least


def collapsed_parts(run: Record) -> set[str]:
    """Return the languages whose model collapsed where a run has several, and the means they enter; else nothing."""
    lost = {language for language in run.tags.get(names.COLLAPSED_LANGUAGES, "").split(",") if language}
    return lost | {names.MEAN, run.key(names.DATA_SOURCE)} if lost else lost


def _order(value: str) -> tuple[int, float, str]:
    try:
        return 0, float(value), ""
    except ValueError:
        return 1, 0.0, value
