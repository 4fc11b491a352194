"""The comparison table: one row a setting, mean and deviation over seeds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.decided_columns import as_details, with_decision
from harness.report.decision import Decided
from harness.report.groups import Group, groups
from harness.tracking.records import Record
from harness.values import names
from harness.values.errors import UsageError, listing, nearest
from harness.values.table import Column, Figure, Table

Decider = Callable[[Sequence[Group], Sequence[str]], Decided]
"""Compares the rows of a table, given with the keys that name them."""


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
    records: Sequence[Record],
    by: Sequence[str],
    measures: Sequence[str],
    languages: Sequence[str] | None = None,
    *,
    cost: bool = False,
    decider: Decider | None = None,
) -> Table:
    """Return the comparison: one row a setting, and under it the same with its collapsed runs, where it has any.

    :param languages: columns; all that were tested without them.
    :param measures: of a test set, or of one label as ``LABEL/MEASURE``; a decision is of the first.
    :param cost: add what training has cost: tokens and sentences seen, seconds.
    :param decider: compares the rows; without it they stand in the order of their keys, and nothing is decided.
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
    sizes = [entry for entry in sized(cost) if entry[0] == names.PARAMETERS or any(row.mean(entry[0]) for row in rows)]
    header += [Column("seeds", "seeds"), *(column for _, column in sizes)]
    header += [
        Column(names.score("test", language, measure), _title(language, measure, len(measures) > 1), "score")
        for language, measure in columns
    ]
    lines = _Lines(keys, columns, sizes, oracle)
    return lines.table(rows, header, decider(rows, keys) if decider else None)


@dataclass(frozen=True)
class _Lines:
    """How the lines of a comparison are made from its rows."""

    keys: Sequence[str]
    columns: Sequence[tuple[str, str]]
    sizes: Sequence[tuple[str, Column]]
    oracle: bool

    def table(self, rows: Sequence[Group], header: list[Column], decided: Decided | None) -> Table:
        """Return the table: a line a row, and one more where it has collapsed runs."""
        shown = [
            (one, number)
            for number in (decided.order() if decided else range(len(rows)))
            for one in _with_collapsed(rows[number])
        ]
        cells = [list(_row(one, rows[number], self.oracle, self.columns, self.sizes)) for one, number in shown]
        details = [_detail(one, one is rows[number], self.keys, self.columns) for one, number in shown]
        said = list(notes(rows))
        if decided:
            sound = [number if one is rows[number] else None for one, number in shown]
            header, cells = with_decision(decided, header, cells, sound)
            for detail, place in zip(details, sound, strict=True):
                detail.update(as_details(decided, place))
            said += decided.notes([" ".join(filter(None, group.keys)) for group in rows])
        return Table(tuple(header), tuple(map(tuple, cells)), details, tuple(said))


def _with_collapsed(group: Group) -> list[Group]:
    return [group, group.with_collapsed()] if group.collapsed or group.partial else [group]


def sized(cost: bool) -> list[tuple[str, Column]]:
    """Return metric and column of the sizes beside the scores."""
    columns = [
        (names.PARAMETERS, Column("parameters_millions", "M params", "size")),
        (names.STEPS, Column("steps", "steps", "count")),
    ]
    if cost:
        columns += [
            (names.TOKENS, Column("tokens", "tokens", "count")),
            (names.SENTENCES_SEEN, Column("sentences_seen", "sentences", "count")),
            (names.SECONDS, Column("seconds", "seconds", "count")),
        ]
    return columns


def notes(rows: Sequence[Group]) -> tuple[str, ...]:
    """Return what a reader of the rows must know before comparing them, a sentence each."""
    steps = [group.mean(names.STEPS) for group in rows]
    known = [value for value in steps if value]
    found = []
    if known and max(known) > 1.05 * min(known):
        found.append(
            f"rows were trained for {min(known):.0f} to {max(known):.0f} steps: part of a difference can be training "
            "(budget_per_cell of a sweep gives every cell the same)"
        )
    if any(len(group.runs) == 1 for group in rows):
        found.append("a row of one seed says nothing of the spread over seeds")
    if any(group.collapsed or group.partial for group in rows):
        found.append(
            "collapsed runs (no entity of the dev set found, or far fewer than other seeds) are left out of means; "
            "the row stands once more with them; more steps or another learning rate help"
        )
    repeated = sum(group.repeated for group in rows)
    if repeated:
        found.append(f"{repeated} earlier runs with the seed of a later one are left out")
    if any(group.leaks for group in rows):
        found.append("rows with leaks have seen test sentences in training")
    return tuple(found)


def _title(language: str, measure: str, several: bool) -> str:
    return f"{language} {measure.replace('_', ' ')}" if several else language


def _row(
    group: Group,
    sound: Group,
    oracle: bool,
    columns: Sequence[tuple[str, str]],
    sizes: Sequence[tuple[str, Column]],
) -> tuple[str | Figure, ...]:
    """Return the cells of a row.

    :param sound: the row without its collapsed runs; the same one for most.
    """
    scores = [names.score("test", language, measure) for language, measure in columns]
    return (
        *group.keys,
        *([group.protocol] if oracle else []),
        _seeds(group, sound),
        *(Figure(group.mean(metric) or None) for metric, _ in sizes),
        *(Figure(group.mean(score), group.deviation(score)) for score in scores),
    )


def _detail(group: Group, sound: bool, keys: Sequence[str], columns: Sequence[tuple[str, str]]) -> dict[str, Any]:
    detail: dict[str, Any] = {
        **dict(zip(keys, group.keys, strict=True)),
        "protocol": group.protocol, "seeds": len(group.runs),
        "collapsed": len(group.collapsed), "with_collapsed": not sound,
        "unfinished": group.unfinished, "repeated": group.repeated, "leaks": group.leaks,
        **{column.key: group.mean(metric) for metric, column in sized(cost=True)},
        "run_ids": [run.run_id for run in group.runs],
    }  # fmt: skip
    for language, measure in columns:
        score = names.score("test", language, measure)
        detail |= {score: group.mean(score), f"{score}_sd": group.deviation(score)}
    return detail


def _seeds(group: Group, sound: Group) -> str:
    collapsed = len(group.collapsed)
    if group is not sound:
        return f"{len(group.runs)} (with {collapsed + sound.partial} collapsed)"
    left_out = [f"{collapsed} collapsed"] if collapsed else []
    left_out += [f"{sound.partial} of them in some languages"] if sound.partial else []
    left_out += [f"{group.unfinished} unfinished"] if group.unfinished else []
    return str(len(group.runs)) + (f" (+{', '.join(left_out)})" if left_out else "")
