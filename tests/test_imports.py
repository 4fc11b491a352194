"""The direction of flow: a stage imports leaves and itself; only the pipeline joins stages."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "harness"
LEAVES = {"errors", "records", "labels", "languages", "config", "provenance", "cache", "locks", "chat_client", "drafts"}
STAGES = {"corpora", "transfer", "synthesis", "model", "evaluation", "tracking"}
ALLOWED = {
    **dict.fromkeys(LEAVES, LEAVES),
    **{stage: LEAVES | {stage} for stage in STAGES},
    "identity": LEAVES | {"transfer"},  # what makes two experiments the same
    "pipeline": LEAVES | STAGES | {"recording", "identity"},
    "recording": LEAVES | STAGES,  # the names of what the pipeline records
    "sweep": LEAVES
    | {"sweep", "pipeline", "identity", "tracking", "cli"},  # cli: a worker process sets itself up like one
    "report": LEAVES | {"report", "tracking"},
    "scoring": LEAVES | {"corpora", "evaluation"},
    "stages": LEAVES | {"corpora", "transfer", "evaluation"},
    "generation": LEAVES | {"corpora", "synthesis"},
    "export": LEAVES | {"model", "report", "tracking", "model_card"},
    "rebuild": LEAVES | {"identity", "pipeline", "report", "tracking"},  # a run trained again for its export
    "served": LEAVES | {"model"},  # what MLflow loads a registered model with
    "model_card": LEAVES | {"report"},
    "doctor": LEAVES | {"model", "tracking"},
    "cli": LEAVES
    | STAGES
    | {"cli", "pipeline", "sweep", "report", "scoring", "stages", "generation", "export", "rebuild", "doctor"},
    "__main__": {"cli"},
    "__init__": set(),
}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "harness" else [f"harness.{alias.name}" for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("harness.")}
    return rooms - {"__version__"}


MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_what_the_design_allows(path: Path) -> None:
    assert room(path) in ALLOWED, f"{path}: name the room in the table above"
    assert imported_rooms(path) <= ALLOWED[room(path)]


def test_the_check_sees_a_wrong_arrow() -> None:
    assert imported_rooms(PACKAGE / "pipeline.py") - ALLOWED["model"] >= {"corpora", "tracking"}


def test_scoring_and_help_load_neither_torch_nor_mlflow() -> None:
    code = (
        "import sys; from harness.cli import app, _register; _register(); import harness.scoring;"
        "bad = {'torch', 'mlflow', 'transformers', 'pytorch_lightning', 'optuna', 'pandas', 'datasets', 'scipy', 'sacrebleu', 'openai'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
