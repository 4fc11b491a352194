"""Writes docs/source_files.md: one line for each source file, the first of its docstring. A test compares them.

Usage: ``python docs/list_sources.py docs/source_files.md``
"""

import ast
import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "harness"
ROOMS = (
    ("roof", ("", "cli", "report", "sweep")),
    ("joiners", ("experiment", "workflows")),
    ("stages", ("corpora", "transfer", "synthesis", "answers", "model", "evaluation", "tracking")),
    ("ground", ("config", "machine", "values")),
)
"""The storeys of docs/architecture.md, from the top; ``""`` is the package itself."""


def summary(path: Path) -> str:
    """Return the first paragraph of a module's docstring, in Markdown."""
    text = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n\n")[0]
    text = re.sub(r":\w+:`~?([\w.]+)`", r"`\1`", " ".join(text.split()))
    return text.replace("``", "`").replace("|", "\\|")


def source_files() -> str:
    """Return the page."""
    lines = [
        "# Source files",
        "",
        "One line a file, from the roof to the ground ([who imports whom](architecture.md)). Generated: `make docs`.",
    ]
    for storey, rooms in ROOMS:
        for room in rooms:
            folder = PACKAGE / room
            found = sorted(folder.glob("*.py") if not room else folder.rglob("*.py"))
            about = summary(folder / "__init__.py")
            lines += [
                "",
                f"## {f'`{room}`' if room else 'the package'} ({storey})",
                "",
                about,
                "",
                "| file | what it does |",
            ]
            lines += ["| --- | --- |"]
            lines += [
                f"| `{path.relative_to(PACKAGE)}` | {summary(path)} |" for path in found if path.name != "__init__.py"
            ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(source_files(), encoding="utf-8")
