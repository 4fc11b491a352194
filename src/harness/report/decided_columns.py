"""Columns of a comparison that say what it decides: differences to the baseline, ranks, the best of each language."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.evaluation.verdicts import Difference, Place
from harness.report.decision import Decided
from harness.values import names
from harness.values.table import Column, Figure

Cells = list[str | Figure]

MARKS = {"better": "++", "higher": "+", "equal": "=", "lower": "-", "worse": "--", "undecided": "?", "one seed": ""}
"""Behind a difference: surely more than the region of practical equivalence, surely more than nothing, within the
region, and so down; ? for neither."""


def with_decision(
    decided: Decided, header: Sequence[Column], rows: Sequence[Cells], numbers: Sequence[int | None]
) -> tuple[list[Column], list[Cells]]:
    """Return a table's header and rows with a difference and a rank, and the best figures marked.

    :param numbers: of each row its number in the decision; None for one that is shown beside another.
    """
    compared = any(decided.differences)
    if not compared:
        return list(header), list(rows)
    measure = "" if decided.wanted.measure == "entity_f1" else f" {decided.wanted.measure}"
    title = f"Δ mean{measure} [95 %]"
    columns = [*header, Column("difference", title), Column("rank", "rank")]
    marked = []
    for row, number in zip(rows, numbers, strict=True):
        cells = list(row)
        if number is None:
            marked.append([*cells, "", ""])
            continue
        for place, column in enumerate(header):
            cell = cells[place]
            if isinstance(cell, Figure) and _is_best(decided, column, number):
                cells[place] = replace(cell, best=True)
        by = decided.differences[number]
        baseline = decided.baselines[number] == number
        said = "baseline" if baseline and number in decided.baselines else _difference(by.get(names.MEAN))
        marked.append([*cells, said, _rank(decided, number)])
    return columns, marked


def _is_best(decided: Decided, column: Column, number: int) -> bool:
    """Return True where no other row is surely better in this column's language."""
    for language, placed in decided.places.items():
        if column.key == names.score("test", language, decided.wanted.measure):
            place = placed[number]
            return place is not None and not place.beaten
    return False


def _difference(found: Difference | None) -> str:
    if found is None:
        return ""
    low, high = 100 * found.interval.low, 100 * found.interval.high
    return f"{100 * found.value:+.1f} [{low:.1f}, {high:.1f}] {MARKS[found.verdict]}".rstrip()


def _rank(decided: Decided, number: int) -> str:
    place = decided.places[names.MEAN][number]
    if place is None or not place.group:
        return ""
    low, high = place.ranks
    return f"{place.group} ({low})" if low == high else f"{place.group} ({low}-{high})"


def as_details(decided: Decided, number: int | None) -> dict[str, Any]:
    """Return a row's decision at full precision, 0..1, for JSON and CSV; empty values where there is none."""
    by = decided.differences[number] if number is not None else {}
    place = decided.places[names.MEAN][number] if number is not None else None
    found: dict[str, Any] = {"baseline": number is not None and decided.baselines[number] == number}
    found |= _of_place(place)
    for language in (names.MEAN, *decided.languages):
        found |= _of_difference(language, by.get(language))
    return found


def _of_place(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"best_probability": None, "rank_low": None, "rank_high": None, "tie_group": None}
    low, high = place.ranks
    return {
        "best_probability": place.best, "rank_low": low, "rank_high": high, "tie_group": place.group or None,
    }  # fmt: skip


def _of_difference(language: str, found: Difference | None) -> dict[str, Any]:
    name = f"difference/{language}"
    values = {
        name: found.value if found else None,
        f"{name}_low": found.interval.low if found else None,
        f"{name}_high": found.interval.high if found else None,
        f"{name}_p": found.p_value if found else None,
        f"{name}_verdict": found.verdict if found else None,
    }
    return values
