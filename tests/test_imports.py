"""The four storeys of the house: who may import whom, no circle, no exception.

Every import counts, those inside functions too. The table is the architecture; docs/architecture.md draws it.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "harness"

GROUND = {"values", "machine", "config"}
STAGES = {"corpora", "transfer", "synthesis", "answers", "model", "evaluation", "tracking"}
ALLOWED = {
    # ground: values are pure, machine touches the world, config knows both
    "values": {"values"},
    "machine": {"values", "machine"},
    "config": GROUND,
    # stages: side by side, none imports another
    **{stage: GROUND | {stage} for stage in STAGES},
    # joiners
    "experiment": GROUND | STAGES | {"experiment"},
    "workflows": GROUND | STAGES | {"experiment", "workflows"},
    # roof
    "pipeline": GROUND | STAGES | {"experiment"},
    "report": GROUND | {"tracking", "evaluation", "report"},
    "sweep": GROUND | {"tracking", "experiment", "pipeline", "sweep"},
    "api": GROUND | STAGES | {"workflows", "pipeline", "report", "sweep"},
    "cli": GROUND | STAGES | {"experiment", "workflows", "pipeline", "report", "sweep", "api", "cli"},
}
ENTRANCES = {"__main__": {"cli"}, "__init__": {"api"}}


def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name without ``harness.``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
        found[".".join(parts)] = path
    return found


MODULES = modules()


def imports(path: Path) -> set[str]:
    """Return the modules of the package that a file imports anywhere in it."""
    targets: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name.removeprefix("harness.") in MODULES else node.module for name in full]
        else:
            continue
        targets |= {name.removeprefix("harness.") for name in names if name.startswith("harness.")}
    return targets


def room(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_storey_allows(module: str) -> None:
    allowed = (ALLOWED | ENTRANCES)[room(module)]
    wrong = sorted(target for target in imports(MODULES[module]) if room(target) not in allowed)
    assert not wrong, f"{module} may not import {wrong}"


def test_the_table_is_one_that_can_be_kept_in_mind() -> None:
    rows = {frozenset(rooms - {name}): name for name, rooms in ALLOWED.items()}
    assert len(rows) <= 15
    assert {path.stem if path.suffix else path.name for path in PACKAGE.iterdir()} - {"__pycache__"} <= set(
        ALLOWED
    ) | set(ENTRANCES)


def test_no_module_imports_itself_by_way_of_others() -> None:
    arrows = {module: imports(path) & MODULES.keys() for module, path in MODULES.items()}
    finished: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        if module in finished:
            return
        assert module not in path, " → ".join((*path[path.index(module) :], module))
        for target in sorted(arrows[module]):
            visit(target, (*path, module))
        finished.add(module)

    for module in arrows:
        visit(module, ())


def test_the_check_sees_a_wrong_arrow(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text("def f():\n    from harness.tracking.store import Store\n", encoding="utf-8")
    assert {room(target) for target in imports(file)} - ALLOWED["model"] == {"tracking"}


def test_scoring_and_help_load_neither_torch_nor_mlflow() -> None:
    code = (
        "import sys; from harness.cli import app, _register; _register(); import harness.workflows.evaluate_files;"
        "bad = {'torch', 'mlflow', 'transformers', 'pytorch_lightning', 'optuna', 'pandas', 'datasets', 'scipy', 'sacrebleu', 'openai'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
