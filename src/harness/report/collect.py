"""Reads runs from the tracking store and aggregates them over seeds.

A row is one setting (encoder, method, ratio …) with mean and sample standard deviation over its seeds. Collapsed runs
are left out of the mean and counted beside it; so are runs that did not finish. Nothing is averaged across protocols,
scorers, label maps or data: a run records a digest of its corpora, and of each test set. Where test sets of one
language differ between rows, a column says so.
"""

import logging
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.machine.provenance import mask_url
from harness.tracking.store import Store
from harness.values.errors import ConfigError, UsageError, listing, nearest

logger = logging.getLogger(__name__)

ALIASES = {
    "encoder": "encoder.name",
    "method": "method.name",
    "ratio": "method.ratio",
    "size": "method.size",
    "data": "data.name",
    "targets": "method.targets",
}


@dataclass(frozen=True)
class Record:
    """One run, as tracked."""

    run_id: str
    status: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]

    def key(self, name: str) -> str:
        """Return a parameter, or a tag where there is no such parameter; empty where there is neither."""
        full = ALIASES.get(name, name)
        return str(self.params.get(full, self.tags.get(full, "")))


def collect(store: Store, experiment: str | None) -> list[Record]:
    """Return the runs of an experiment, or of all; parents of sweeps are left out.

    :raises UsageError: there are none.
    """
    if experiment is not None:
        ids = [store.experiment_id(experiment, create=False)]
    else:
        ids = store.experiment_ids()
    records = [
        Record(run.info.run_id, run.info.status, run.data.params, run.data.metrics, run.data.tags)
        for run in store.runs(ids)
        if run.data.tags.get("harness.kind") != "sweep" and "harness.command" in run.data.tags
    ]
    if not records:
        where = f"experiment {experiment!r}" if experiment else "any experiment"
        raise UsageError(
            f"{where} of {mask_url(store.uri)} holds no runs; start some with 'harness run' or 'harness sweep'"
        )
    return records


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed alone.

    :param keys: the values that name the row.
    :param runs: finished, sound runs; the figures come from these.
    :param collapsed: finished runs left out because they collapsed.
    :param unfinished: runs that failed, were pruned, or are still running.
    """

    keys: tuple[str, ...]
    protocol: str
    runs: tuple[Record, ...]
    collapsed: int
    unfinished: int

    def mean(self, metric: str) -> float | None:
        """Return the mean of a metric over the runs that have it."""
        values = self.values(metric)
        return statistics.fmean(values) if values else None

    def deviation(self, metric: str) -> float | None:
        """Return the sample standard deviation over seeds; nothing for fewer than two runs."""
        values = self.values(metric)
        return statistics.stdev(values) if len(values) > 1 else None

    def values(self, metric: str) -> list[float]:
        """Return a metric's values over the runs that have it."""
        return [run.metrics[metric] for run in self.runs if metric in run.metrics]


NOT_A_SETTING = ("seed", "trainer.threads")
"""Parameters in which runs of one row may differ: the repetition, and the machine's share."""


def has_key(records: Sequence[Record], name: str) -> bool:
    """Tell whether any run has a parameter or tag of this name."""
    full = ALIASES.get(name, name)
    return any(full in record.params or full in record.tags for record in records)


def groups(records: Sequence[Record], by: Sequence[str]) -> tuple[list[str], list[Group]]:
    """Group runs that differ in their seed alone.

    :returns: the keys that name a row, and the rows. Where runs of the same ``by`` differ in other settings, those
        become keys too: nothing but seeds is ever averaged.
    :raises ConfigError: a key is neither a parameter nor a tag of any run.
    """
    for name in by:
        if not has_key(records, name):
            full = ALIASES.get(name, name)
            known = sorted({key for record in records for key in record.params})
            hint = nearest(full, known)
            raise ConfigError(f"--by {name!r}: no run has it{hint}; parameters: {listing(known, most=40)}")
    collected: dict[tuple[object, ...], list[Record]] = defaultdict(list)
    for record in records:
        settings = {key: value for key, value in record.params.items() if key not in NOT_A_SETTING}
        settings["scorer"] = record.tags.get("scorer", "")
        signature = tuple(sorted(settings.items()))
        collected[(record.key("protocol"), tuple(record.key(name) for name in by), signature)].append(record)
    shown = {ALIASES.get(name, name) for name in by}
    keys = [*by, *(name for name in _data_columns(records) if name not in shown)]
    keys += _telling_apart(list(collected), {ALIASES.get(name, name) for name in keys})
    made = []
    for runs in collected.values():
        first = runs[0]
        made.append(_group(tuple(first.key(name) for name in keys), first.key("protocol"), latest_per_seed(runs)))
    return keys, sorted(made, key=lambda group: tuple(_order(value) for value in group.keys))


def _data_columns(records: Sequence[Record]) -> list[str]:
    """Return the columns that tell runs on different data apart: the corpus, else the test sets under its name."""
    if len({record.key("data") for record in records if "data.name" in record.params}) > 1:
        return ["data.name"]
    seen: dict[str, str] = {}
    for record in records:
        for entry in record.params.get("data.tests", "").split(","):
            language, _, digest = entry.partition("=")
            if seen.setdefault(language, digest) != digest:
                return ["data.tests"]
    return []


def _telling_apart(signatures: Sequence[tuple[Any, ...]], shown: set[str]) -> list[str]:
    """Return the parameters in which rows of the same name differ."""
    same_name: dict[object, list[dict[str, str]]] = defaultdict(list)
    for protocol, names, signature in signatures:
        settings = dict(signature)
        shown_values = tuple(settings.pop(key, None) for key in sorted(shown))
        same_name[(protocol, names, shown_values)].append(settings)
    differing: set[str] = set()
    for rows in same_name.values():
        found = {key for row in rows for key in row if len({row.get(key) for row in rows}) > 1}
        # Digests and the corpus's own keys are no names a person can read: shown where nothing else tells rows apart.
        named = {key for key in found if not _is_content(key)}
        if len({tuple(row.get(key) for key in sorted(named)) for row in rows}) < len(rows):
            named = found
        differing |= named
    return sorted(differing - shown)


def _is_content(key: str) -> bool:
    return key.startswith("data.") or key.endswith("_digest")


def latest_per_seed(runs: Iterable[Record]) -> list[Record]:
    """Drop earlier attempts: of runs with the same seed, keep the last finished, else the last."""
    kept: dict[str, Record] = {}
    for run in runs:
        former = kept.get(run.key("seed"))
        if former is None or run.status == "FINISHED" or former.status != "FINISHED":
            kept[run.key("seed")] = run
    return list(kept.values())


def _group(keys: tuple[str, ...], protocol: str, runs: Sequence[Record]) -> Group:
    finished = [run for run in runs if run.status == "FINISHED"]
    sound = tuple(run for run in finished if not run.tags.get("harness.collapsed"))
    return Group(keys, protocol, sound, len(finished) - len(sound), len(runs) - len(finished))


def _order(value: str) -> tuple[int, float, str]:
    try:
        return 0, float(value), ""
    except ValueError:
        return 1, 0.0, value


def test_languages(records: Sequence[Record], measure: str) -> list[str]:
    """Return the languages tested, sources and targets in the order of the cards, ``mean`` last."""
    order: dict[str, None] = {}
    for record in records:
        for language in record.tags.get("languages", "").split(","):
            if f"test/{language}/{measure}" in record.metrics:
                order.setdefault(language)
    return [*order, "mean"]


def comparison(
    records: Sequence[Record],
    by: Sequence[str],
    measures: Sequence[str],
    languages: Sequence[str] | None = None,
) -> tuple[list[str], list[list[str]], list[dict[str, Any]]]:
    """Return the comparison as header, formatted rows (in points of 100), and full-precision objects."""
    keys, found = groups(records, by)
    tested = list(languages) if languages else test_languages(records, measures[0])
    several = len(measures) > 1
    columns = [(language, measure) for language in tested for measure in measures]
    oracle = any(group.protocol == "oracle" for group in found)
    header = [*keys, *(["protocol"] if oracle else []), "seeds", "M params"]
    header += [f"{language} {measure.replace('_', ' ')}" if several else language for language, measure in columns]
    rows, objects = [], []
    for group in found:
        size = group.mean("model/parameters_millions")
        cells = [
            *group.keys,
            *([group.protocol] if oracle else []),
            _seeds(group),
            f"{size:.1f}" if size else "",
        ]
        entry: dict[str, Any] = {
            **dict(zip(keys, group.keys, strict=True)),
            "protocol": group.protocol, "seeds": len(group.runs), "collapsed": group.collapsed,
            "unfinished": group.unfinished, "parameters_millions": size, "run_ids": [run.run_id for run in group.runs],
        }  # fmt: skip
        for language, measure in columns:
            metric = f"test/{language}/{measure}"
            mean, deviation = group.mean(metric), group.deviation(metric)
            cells.append(_figure(mean, deviation))
            entry[metric] = mean
            entry[f"{metric}_sd"] = deviation
        rows.append(cells)
        objects.append(entry)
    return header, rows, objects


def _seeds(group: Group) -> str:
    left_out = [f"{group.collapsed} collapsed"] if group.collapsed else []
    left_out += [f"{group.unfinished} unfinished"] if group.unfinished else []
    return str(len(group.runs)) + (f" (+{', '.join(left_out)})" if left_out else "")


def _figure(mean: float | None, deviation: float | None) -> str:
    if mean is None:
        return ""
    return f"{100 * mean:.1f}" + (f" ±{100 * deviation:.1f}" if deviation is not None else "")


def best_run(records: Sequence[Record], *, kept: bool = True) -> Record:
    """Return the finished, sound run with the best source dev score that still has its checkpoint.

    Chosen on dev and never on a test score; zero-shot runs go before oracles, which saw target gold.

    :param kept: whether it must have its checkpoint.
    :raises UsageError: there is none.
    """
    usable = [
        record
        for record in records
        if record.status == "FINISHED"
        and not record.tags.get("harness.collapsed")
        and (not kept or record.tags.get("harness.checkpoint") == "kept")
        and "train/best_dev_entity_f1" in record.metrics
    ]
    corpora = sorted({record.key("data") for record in usable})
    if len(corpora) > 1:
        raise UsageError(f"dev scores on {listing(corpora)} cannot be compared; name one experiment with --experiment")
    if not usable and all(record.tags.get("harness.collapsed") for record in records if record.status == "FINISHED"):
        raise UsageError(
            "no run has finished well: none finished, or those that did found no entity on dev (collapsed)"
        )
    if not usable:
        raise UsageError(
            "no finished run has kept its checkpoint; --rebuild trains the best one again from its own command and "
            "exports that"
            if kept
            else "no run has finished well"
        )
    fair = [record for record in usable if record.tags.get("protocol") != "oracle"] or usable
    return max(fair, key=lambda record: record.metrics["train/best_dev_entity_f1"])
