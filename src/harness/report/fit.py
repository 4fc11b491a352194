"""A table that fits a terminal: what is the same in all rows goes first, then deviations of single languages, then
languages from the right; a note says what was left out.
"""

from dataclasses import replace

from harness.report.render import width
from harness.values import names
from harness.values.errors import UsageError, listing, nearest
from harness.values.table import Column, Figure, Table

WIDTH = 100
"""Columns of a terminal that a table keeps to."""


def fitted(table: Table, most: int = WIDTH) -> Table:
    """Return a table of at most so many columns of text, where leaving out what belongs to single languages can do it.

    The mean, its deviation, and what is decided stay.
    """
    if _width(table) <= most:
        return table
    dropped = _constant(table)
    said = [f"{table.header[number]} {table.formatted()[0][number]}" for number in dropped]
    notes = [f"all rows: {', '.join(said)}"] if said else []
    if _width(table, dropped) > most:
        table = replace(table, rows=tuple(tuple(map(_plain, table.columns, row)) for row in table.rows))
        languages = [number for number, column in enumerate(table.columns) if _of_language(column)]
        lost = 0
        while languages and _width(table, dropped) > most:
            # The source, which stands first, tells least about the targets.
            dropped.append(languages.pop(-1 if lost else 0))
            lost += 1
        left_out = "deviations of single languages" + (f" and {lost} languages" if lost else "")
        notes.append(f"{left_out} are left out to fit {most} columns; --wide shows them")
    kept = [number for number in range(len(table.columns)) if number not in dropped]
    return replace(
        table,
        columns=tuple(table.columns[number] for number in kept),
        rows=tuple(tuple(row[number] for number in kept) for row in table.rows),
        notes=(*table.notes, *notes),
    )


def _constant(table: Table) -> list[int]:
    """Return the columns of keys and sizes that have the same cell in every row; not of a single row."""
    rows = table.formatted()
    if len(rows) < 2:
        return []
    return [
        number
        for number, column in enumerate(table.columns)
        if column.kind != "score" and rows[0][number] and len({row[number] for row in rows}) == 1
    ]


def sorted_by(table: Table, title: str) -> Table:
    """Return the table with the highest of a column first; rows without a figure there come last.

    :param title: title of a column of figures, or its key.
    :raises UsageError: there is no such column.
    """
    figures = {column.title: number for number, column in enumerate(table.columns) if column.kind != "text"}
    figures |= {table.columns[number].key: number for number in list(figures.values())}
    if title not in figures:
        titles = [column.title for column in table.columns if column.kind != "text"]
        raise UsageError(f"--sort {title!r}: no such column{nearest(title, titles)}; allowed: {listing(titles)}")

    def height(number: int) -> float:
        cell = table.rows[number][figures[title]]
        return cell.value if isinstance(cell, Figure) and cell.value is not None else float("-inf")

    order = sorted(range(len(table.rows)), key=lambda number: -height(number))
    rows, details = tuple(table.rows[number] for number in order), [table.details[number] for number in order]
    return replace(table, rows=rows, details=details)


def _of_language(column: Column) -> bool:
    language = names.language_of(column.key)
    return bool(language) and language != names.MEAN


def _plain(column: Column, cell: str | Figure) -> str | Figure:
    return replace(cell, deviation=None) if isinstance(cell, Figure) and _of_language(column) else cell


def _width(table: Table, without: list[int] | None = None) -> int:
    left = [number for number in range(len(table.columns)) if number not in (without or [])]
    cells = [table.header, *table.formatted()]
    return sum(max(width(row[number]) for row in cells) for number in left) + 2 * max(len(left) - 1, 0)
