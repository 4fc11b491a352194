"""Tables in every form people paste: terminal, Markdown, CSV, LaTeX, JSON."""

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from harness.values import names
from harness.values.errors import printable
from harness.values.markdown import markdown
from harness.values.table import Figure, Table


def width(text: str) -> int:
    """Return the columns a text takes on a terminal: wide East Asian characters two, marks none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def plain_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an aligned text table; the first column is left-aligned, figures right-aligned."""
    header, rows = _one_line(header), [_one_line(row) for row in rows]
    table = [list(header), *(list(row) for row in rows)]
    widths = [max(width(row[column]) for row in table) for column in range(len(header))]
    numeric = [all(_is_figure(row[column]) for row in rows) and column > 0 for column in range(len(header))]
    lines = []
    for number, row in enumerate(table):
        cells = []
        for column, cell in enumerate(row):
            blank = " " * (widths[column] - width(cell))
            cells.append(blank + cell if numeric[column] else cell + blank)
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("  ".join("─" * size for size in widths))
    return "\n".join(lines)


def _one_line(cells: Sequence[str]) -> list[str]:
    return [printable(cell.replace("\n", " ").replace("\t", " ")) for cell in cells]


def _is_figure(cell: str) -> bool:
    return not cell or cell[0].isdigit() or cell[0] in "-+("


def comma_separated(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([_spreadsheet_cell(cell) for cell in header])
    writer.writerows([_spreadsheet_cell(cell) for cell in row] for row in rows)
    return buffer.getvalue().rstrip("\n")


def _spreadsheet_cell(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; figures stay figures."""
    if not isinstance(cell, str) or not cell.lstrip()[:1] or cell.lstrip()[0] not in "=+-@\t\r":
        return cell
    try:
        float(cell)
    except ValueError:
        return "'" + cell
    return cell


_LATEX = {
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "±": r"$\pm$",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "\\": r"\textbackslash{}", "Δ": r"$\Delta$",
}  # fmt: skip


_BOLD = "\ue000"
"""Before a cell that is set in bold: a character of private use, which no printed cell has."""


def latex(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a booktabs ``tabular``."""

    def escaped(cell: str) -> str:
        bold, text = cell.startswith(_BOLD), cell.removeprefix(_BOLD)
        flat = printable(" ".join(text.split(" ")).replace("\n", " "))
        inner = "".join(_LATEX.get(char, char) for char in flat).replace("--", "{-}{-}")  # two hyphens are a dash
        return rf"\textbf{{{inner}}}" if bold else inner

    lines = [r"\begin{tabular}{" + "l" + "r" * (len(header) - 1) + "}", r"\toprule"]
    lines.append(" & ".join(map(escaped, header)) + r" \\")
    lines.append(r"\midrule")
    lines += [" & ".join(map(escaped, row)) + r" \\" for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def latex_table(table: Table, caption: str = "") -> str:
    """Return a ``table`` to paste: needs ``\\usepackage{booktabs}``; what nothing surely beats is bold.

    :param caption: what the table shows; the notes follow it.
    """
    marked = any(cell.best for row in table.rows for cell in row if isinstance(cell, Figure))
    explained = ["Bold: no other row is surely better."] if marked else []
    sentences = [caption or _what(table), *explained]
    sentences += [f"{note[:1].upper()}{note[1:]}." for note in table.notes]
    said = "".join(_LATEX.get(char, char) for char in printable(" ".join(sentences)))
    return "\n".join(
        [
            r"% \usepackage{booktabs}", r"\begin{table}", r"\centering\small",
            latex(table.header, table.formatted(lambda text: f"{_BOLD}{text}")),
            rf"\caption{{{said}}}", r"\label{tab:comparison}", r"\end{table}",
        ]
    )  # fmt: skip


def _what(table: Table) -> str:
    """Return what the scores of a table are, in words."""
    of = {names.measure_of(column.key).replace("_", " ") for column in table.columns if names.language_of(column.key)}
    return f"{', '.join(sorted(of)) or 'Scores'} x 100, mean and standard deviation over seeds."


def as_json(rows: Sequence[dict[str, Any]]) -> str:
    """Return JSON with full precision."""
    return json.dumps(list(rows), indent=2, ensure_ascii=False)


def _flat(objects: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return header and rows at full precision; run ids are left out, they are no cell."""
    header = [key for key in objects[0] if key != "run_ids"] if objects else []
    return header, [["" if entry[key] is None else entry[key] for key in header] for entry in objects]


FORMATS: dict[str, Callable[[Table], str]] = {
    "table": lambda table: plain_table(table.header, table.formatted()),
    "csv": lambda table: comma_separated(*_flat(table.objects())),
    "md": lambda table: markdown(table.header, table.formatted()),
    "latex": latex_table,
    "json": lambda table: as_json(table.objects()),
}
"""How a table can be written."""
