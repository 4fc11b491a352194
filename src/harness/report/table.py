"""The comparison table: one row a setting, mean and deviation over seeds."""

from collections.abc import Sequence
from typing import Any

from harness.report.groups import Group, groups
from harness.tracking.records import Record
from harness.values import names


def test_languages(records: Sequence[Record], measure: str) -> list[str]:
    """Return the languages tested, sources and targets in the order of the cards, ``mean`` last."""
    order: dict[str, None] = {}
    for record in records:
        for language in record.tags.get(names.LANGUAGES, "").split(","):
            if names.score("test", language, measure) in record.metrics:
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
        size = group.mean(names.PARAMETERS)
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
            metric = names.score("test", language, measure)
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
