"""Published figures beside one's own: ``harness compare --published uner,masakhaner2``.

``published.csv`` holds what was seen in a source, computed from its authors' files, or seen at second hand, and says
which. Settings differ from a run's in more than can be told, so nothing is ever tested against these rows; a cell that
no source has stays empty.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.values import names
from harness.values.errors import UsageError, listing, nearest
from harness.values.table import Column, Figure, Table

FILE = Path(__file__).with_name("published.csv")


@dataclass(frozen=True)
class Published:
    """One figure.

    :param encoder: as on its card; empty where the source was not seen to name it.
    :param data: the corpus: uner, masakhaner2, wikiann …
    :param figure: in points of 100, as printed.
    :param deviation: as printed, of what ``settings`` says; None where there is none.
    :param certainty: seen in the source, computed from the authors' files, or seen at second hand.
    """

    method: str
    encoder: str
    data: str
    language: str
    measure: str
    figure: float
    deviation: float | None
    seeds: str
    settings: str
    source: str
    certainty: str


def published() -> list[Published]:
    """Return all figures."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return [_read(row) for row in csv.DictReader(file)]


def _read(row: dict[str, str]) -> Published:
    text = {name: row[name] for name in ("method", "encoder", "data", "language", "measure", "seeds", "settings")}
    deviation = float(row["deviation"]) if row["deviation"] else None
    return Published(
        **text, figure=float(row["figure"]), deviation=deviation, source=row["source"], certainty=row["certainty"]
    )


def with_published(table: Table, corpora: Sequence[str]) -> Table:
    """Return a comparison with published rows under it, in the languages that it shows.

    :param corpora: whose figures; one's own card can have any name, so they are named.
    :raises UsageError: a corpus is unknown, or nothing is published on these languages.
    """
    everything = published()
    known = list(dict.fromkeys(one.data for one in everything))
    unknown = [name for name in corpora if name not in known]
    if unknown:
        raise UsageError(f"--published {unknown[0]!r}{nearest(unknown[0], known)}; allowed: {listing(known)}")
    shown = {
        (names.language_of(column.key), names.measure_of(column.key)): number
        for number, column in enumerate(table.columns)
        if column.kind == "score"
    }
    chosen = [one for one in everything if one.data in corpora and (one.language, one.measure) in shown]
    if not chosen:
        raise UsageError(f"nothing is published on {listing(corpora)} in the languages and the measure of this table")
    columns = (*table.columns, Column("source", "source"))
    own = [(*row, "") for row in table.rows]
    rows, details, notes = list(own), list(table.details), list(table.notes)
    for number, group in enumerate(_rows(chosen), 1):
        rows.append(_cells(table, group, shown, f"[{number}]"))
        details.append(_detail(table, group))
        first = group[0]
        settings = list(dict.fromkeys(one.settings for one in group))
        where = settings[0] if len(settings) == 1 else "; ".join(f"{one.language}: {one.settings}" for one in group)
        notes.append(f"[{number}] {first.source} ({first.data}, {first.certainty}): {where}")
    notes.append("published rows are not tested against: their settings differ in more than is said")
    return replace(table, columns=columns, rows=tuple(rows), details=details, notes=tuple(notes))


def _rows(figures: Iterable[Published]) -> list[list[Published]]:
    """Return the figures of one line each: the same method, encoder, corpus, source and writer of sentences."""
    found: dict[tuple[str, ...], list[Published]] = {}
    for one in figures:
        model = next((name for name in ("GPT-4.1", "Llama-3.1-8B") if name in one.settings), "")
        found.setdefault((one.method, one.encoder, one.data, one.source, model), []).append(one)
    return list(found.values())


def _cells(
    table: Table, group: Sequence[Published], shown: dict[tuple[str, str], int], mark: str
) -> tuple[str | Figure, ...]:
    first = group[0]
    said = {"encoder": first.encoder or "?", "method": first.method, "data": first.data, names.DATA_NAME: first.data,
            "seeds": first.seeds}  # fmt: skip
    cells: list[str | Figure] = [
        said.get(column.key, "") if column.kind == "text" else Figure(None) for column in table.columns
    ]
    for one in group:
        deviation = one.deviation / 100 if one.deviation is not None else None
        cells[shown[(one.language, one.measure)]] = Figure(one.figure / 100, deviation)
    return (*cells, mark)


def _detail(table: Table, group: Sequence[Published]) -> dict[str, object]:
    """Return a row for JSON and CSV with the columns of the others, empty but for what was published."""
    first = group[0]
    empty: dict[str, object] = dict.fromkeys(table.details[0]) if table.details else {}
    empty |= {"encoder": first.encoder, "method": first.method, "published": f"{first.source}; {first.certainty}"}
    for one in group:
        empty[names.score("test", one.language, one.measure)] = one.figure / 100
    return empty
