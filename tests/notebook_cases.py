"""Runs a notebook's cells in a process of their own, and writes what they print beside them.

``python -m tests.notebook_cases docs/first_hour.ipynb`` runs it in an empty folder and stores the outputs.
"""

import ast
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path


def run(path: Path) -> list[str]:
    """Run the code cells one after another in this process; return what each shows."""
    shown, space = [], {"__name__": "__main__"}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(tree, str(path), "exec"), space)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), str(path), "eval"), space)
                if value is not None:
                    out.write(f"{value}\n")
        shown.append(out.getvalue())
    return shown


def store(path: Path, shown: list[str]) -> None:
    """Write the outputs into the notebook."""
    book = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    for number, (cell, text) in enumerate(zip(cells, shown, strict=True), 1):
        cell["execution_count"] = number
        lines = text.splitlines(keepends=True)
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": lines}] if lines else []
    path.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    notebook = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        outputs = run(notebook)
    if "--check" not in sys.argv:
        store(notebook, outputs)
    sys.stdout.write(json.dumps(outputs) + "\n")
