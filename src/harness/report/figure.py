"""A comparison as a picture: one field a setting and language, darker where the score is higher. Plain SVG."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from harness.values.errors import printable
from harness.values.table import Figure, Table

CELL, ROW, LETTER = 58, 26, 7.2
"""Width and height of a field, and the width a letter of a label takes, in pixels."""

DARK, LIGHT = (8, 69, 126), (235, 243, 251)
"""Colours of the highest and the lowest score of the table."""


def heat_map(table: Table, title: str = "") -> str:
    """Return the scores of a table as SVG, times 100; rows are named by the text columns.

    :param title: what the picture shows, in words; it is read out by screen readers.
    """
    scores = [number for number, column in enumerate(table.columns) if column.kind == "score"]
    said = [number for number, column in enumerate(table.columns) if column.kind == "text" and column.key != "seeds"]
    cells = [[cell for number in said if isinstance(cell := row[number], str)] for row in table.rows]
    labels = [printable(" ".join(filter(None, row))) for row in cells]
    known = [value for row in table.rows for value in _values(row, scores) if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    left = 12 + LETTER * max((len(label) for label in labels), default=4)
    width, height = left + CELL * len(scores) + 12, 34 + ROW * (len(labels) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" role="img" font-family="sans-serif" font-size="12">',
        f"<title>{escape(printable(title) or 'entity F1 x 100')}</title>",
        f'<rect width="{width:.0f}" height="{height}" fill="#fff"/>',
    ]
    for place, number in enumerate(scores):
        middle = left + CELL * (place + 0.5)
        heading = escape(printable(table.columns[number].title))
        parts.append(f'<text x="{middle:.1f}" y="22" text-anchor="middle" font-weight="bold">{heading}</text>')
    for line, (label, row) in enumerate(zip(labels, table.rows, strict=True)):
        top = 34 + ROW * line
        parts.append(f'<text x="{left - 8:.1f}" y="{top + 17}" text-anchor="end">{escape(label)}</text>')
        for place, value in enumerate(_values(row, scores)):
            if value is None:
                continue
            share = (value - low) / (high - low) if high > low else 1.0
            fill = "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(LIGHT, DARK, strict=True))
            x = left + CELL * place
            parts.append(f'<rect x="{x:.1f}" y="{top}" width="{CELL - 2}" height="{ROW - 2}" fill="{fill}"/>')
            ink = "#fff" if share > 0.5 else "#111"
            parts.append(
                f'<text x="{x + CELL / 2 - 1:.1f}" y="{top + 17}" text-anchor="middle" fill="{ink}">'
                f"{100 * value:.1f}</text>"
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _values(row: Sequence[str | Figure], scores: Sequence[int]) -> list[float | None]:
    return [cell.value if isinstance(cell := row[number], Figure) else None for number in scores]
