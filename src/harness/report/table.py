"""The comparison table: one row a setting, mean and deviation over seeds."""

from collections.abc import Sequence
from typing import Any

from harness.report.groups import Group, groups
from harness.tracking.records import Record
from harness.values import names
from harness.values.errors import UsageError, listing, nearest
from harness.values.table import Column, Figure, Table


def tested_languages(records: Sequence[Record], measure: str) -> list[str]:
    """Return the languages tested, sources and targets in the order of the cards, ``mean`` last."""
    order: dict[str, None] = {}
    for record in records:
        for language in record.tags.get(names.LANGUAGES, "").split(","):
            if names.score("test", language, names.unlabelled(measure)) in record.metrics:
                order.setdefault(language)
    return [*order, "mean"]


def checked_measures(text: str) -> list[str]:
    """Return the measures named in a list with commas: those of a test set, and ``LABEL/MEASURE`` of one label.

    :raises UsageError: a name is neither.
    """
    measures = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in measures if name not in names.MEASURES and not names.is_label_measure(name)]
    if unknown or not measures:
        name = unknown[0] if unknown else ""
        raise UsageError(
            f"--measure {name!r} is unknown{nearest(name, names.MEASURES)}; allowed: {listing(names.MEASURES)}, and of "
            f"one label LABEL/MEASURE with {listing(names.LABEL_MEASURES)}"
        )
    return measures


def _check_labels(records: Sequence[Record], measures: Sequence[str]) -> None:
    """:raises UsageError: a measure is of a label that no run was tested on."""
    scores = {names.measure_of(name) for record in records for name in record.metrics if names.is_test(name)}
    for measure in measures:
        if names.is_label_measure(measure) and measure not in scores:
            labels = sorted({name.rpartition("/")[0] for name in scores if names.is_label_measure(name)})
            label = measure.rpartition("/")[0]
            raise UsageError(
                f"--measure {measure!r}: no run was tested on this label{nearest(label, labels)}; "
                f"tested: {listing(labels)}"
            )


def comparison(
    records: Sequence[Record], by: Sequence[str], measures: Sequence[str], languages: Sequence[str] | None = None
) -> Table:
    """Return the comparison: one row a setting.

    :param languages: columns; all that were tested without them.
    :param measures: of a test set, or of one label as ``LABEL/MEASURE``.
    :raises UsageError: no run was tested on the first of these languages, or on a label.
    """
    keys, rows = groups(records, by)
    _check_labels(records, measures)
    columns = [
        (language, measure) for language in languages or tested_languages(records, measures[0]) for measure in measures
    ]
    if languages and all(group.mean(names.score("test", *columns[0])) is None for group in rows):
        tested = sorted({name.split("/")[1] for record in records for name in record.metrics if names.is_test(name)})
        raise UsageError(
            f"--languages {','.join(languages)!r}: no run was tested on it{nearest(','.join(languages), tested)}; "
            f"tested: {tested}"
        )
    oracle = any(group.protocol == names.ORACLE for group in rows)
    header = [Column(key, key) for key in (*keys, *([names.PROTOCOL] if oracle else []))]
    header += [Column("seeds", "seeds"), Column("parameters_millions", "M params", "size")]
    header += [
        Column(names.score("test", language, measure), _title(language, measure, len(measures) > 1), "score")
        for language, measure in columns
    ]
    return Table(
        tuple(header),
        tuple(_row(group, oracle, columns) for group in rows),
        [_detail(group, keys, columns) for group in rows],
    )


def _title(language: str, measure: str, several: bool) -> str:
    return f"{language} {measure.replace('_', ' ')}" if several else language


def _row(group: Group, oracle: bool, columns: Sequence[tuple[str, str]]) -> tuple[str | Figure, ...]:
    size = group.mean(names.PARAMETERS)
    scores = [names.score("test", language, measure) for language, measure in columns]
    return (
        *group.keys,
        *([group.protocol] if oracle else []),
        _seeds(group),
        Figure(size or None),
        *(Figure(group.mean(score), group.deviation(score)) for score in scores),
    )


def _detail(group: Group, keys: Sequence[str], columns: Sequence[tuple[str, str]]) -> dict[str, Any]:
    detail: dict[str, Any] = {
        **dict(zip(keys, group.keys, strict=True)),
        "protocol": group.protocol, "seeds": len(group.runs), "collapsed": group.collapsed,
        "unfinished": group.unfinished, "parameters_millions": group.mean(names.PARAMETERS),
        "run_ids": [run.run_id for run in group.runs],
    }  # fmt: skip
    for language, measure in columns:
        score = names.score("test", language, measure)
        detail |= {score: group.mean(score), f"{score}_sd": group.deviation(score)}
    return detail


def _seeds(group: Group) -> str:
    left_out = [f"{group.collapsed} collapsed"] if group.collapsed else []
    left_out += [f"{group.unfinished} unfinished"] if group.unfinished else []
    return str(len(group.runs)) + (f" (+{', '.join(left_out)})" if left_out else "")
