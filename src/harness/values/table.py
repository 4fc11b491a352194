"""A table: typed columns and rows. Every renderer and figure takes one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas

Kind = Literal["text", "size", "count", "ratio", "score"]
"""text; size: a number with one decimal; count: without decimals; ratio: with two; score: 0..1, shown in points of
100."""


@dataclass(frozen=True)
class Figure:
    """A value with its sample standard deviation; nothing where it is not known.

    :param best: nothing in its column is surely better; shown with an asterisk, or in bold.
    """

    value: float | None
    deviation: float | None = None
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A column.

    :param key: its name in JSON and CSV.
    :param title: its name in a table for people.
    """

    key: str
    title: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """Rows of text and figures.

    :param rows: one cell a column: text, or a :class:`Figure`.
    :param details: more of each row at full precision, for JSON and CSV: run ids, what was left out.
    :param notes: what a reader must know, a sentence each.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str | Figure, ...], ...]
    details: Sequence[Mapping[str, Any]] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    @property
    def header(self) -> list[str]:
        """Titles of the columns."""
        return [column.title for column in self.columns]

    def formatted(self, mark: Callable[[str], str] = lambda text: f"{text}*") -> list[list[str]]:
        """Return the rows for people.

        :param mark: how the best figures of a column are set off.
        """
        return [
            [
                mark(_shown(column, cell)) if isinstance(cell, Figure) and cell.best else _shown(column, cell)
                for column, cell in zip(self.columns, row, strict=True)
            ]
            for row in self.rows
        ]

    def to_pandas(self) -> "pandas.DataFrame":
        """Return the rows at full precision, 0..1, as a data frame; run ids are in ``details``."""
        import pandas

        return pandas.DataFrame(
            [{key: value for key, value in entry.items() if key != "run_ids"} for entry in self.objects()]
        )

    def objects(self) -> list[dict[str, Any]]:
        """Return the rows at full precision."""
        return [dict(detail) for detail in self.details]


def _shown(column: Column, cell: str | Figure) -> str:
    if isinstance(cell, str):
        return cell
    if cell.value is None:
        return ""
    if column.kind == "count":
        return f"{cell.value:.0f}"
    if column.kind == "ratio":
        return f"{cell.value:.2f}"
    factor = 100 if column.kind == "score" else 1
    deviation = f" ±{factor * cell.deviation:.1f}" if cell.deviation is not None else ""
    return f"{factor * cell.value:.1f}{deviation}"
