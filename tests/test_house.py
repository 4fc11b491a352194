"""The house rules that a reader relies on: short functions, few parameters, docstrings that tell of what is there,
names spelled in one place, a test file for every source file.
"""

import ast
import re
from pathlib import Path

import pytest

from harness.values import names as names_module

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "harness"
FILES = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}

LONGEST_FUNCTION = 50
LONGEST_COMMAND = 60
"""A typer signature has a line or three for each option."""
MOST_PARAMETERS = 7
LONGEST_FILE = 400

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> list[Function]:
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def parameters(function: Function) -> list[str]:
    arguments = function.args
    found = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    found += [argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument]
    return [name for name in found if name not in ("self", "cls")]


def is_command(name: str, function: Function) -> bool:
    """Return True for a function whose options are the command line's."""
    return name.startswith("cli/") and "Annotated[" in ast.unparse(function.args)


@pytest.mark.parametrize("name", FILES)
def test_functions_are_short_and_take_few_parameters(name: str) -> None:
    for function in functions(TREES[name]):
        assert function.end_lineno is not None
        length = function.end_lineno - function.lineno + 1
        command = is_command(name, function) or (
            name.startswith("cli/") and "typer.Option" in ast.unparse(function.args)
        )
        most = LONGEST_COMMAND if command else LONGEST_FUNCTION
        assert length <= most, f"{name}: {function.name} has {length} lines, at most {most}"
        assert command or len(parameters(function)) <= MOST_PARAMETERS, (
            f"{name}: {function.name} {parameters(function)}"
        )


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_one_idea(name: str) -> None:
    assert len(FILES[name].read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("name", FILES)
def test_docstrings_name_parameters_that_exist(name: str) -> None:
    for node in ast.walk(TREES[name]):
        if not isinstance(node, Function | ast.ClassDef):
            continue
        named = re.findall(r":param ([\w, ]+):", ast.get_docstring(node) or "")
        told = {part.strip() for group in named for part in group.split(",")}
        if isinstance(node, ast.ClassDef):
            known = {
                child.target.id
                for child in node.body
                if isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name)
            }
            known |= {
                parameter for child in node.body if isinstance(child, Function) for parameter in parameters(child)
            }
            known |= {
                target.attr
                for child in ast.walk(node)
                if isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store)
                for target in [child]
            }
        else:
            known = set(parameters(node))
        assert told <= known, f"{name}: {node.name} has no {sorted(told - known)}"


OWNED = {
    value
    for key, value in vars(names_module).items()
    if key.isupper() and isinstance(value, str) and ("/" in value or "." in value) and not value.endswith(".json")
}
"""Names of metrics, parameters, tags and artifacts that are no word of their own."""

BEGINNINGS = (
    "test/",
    "train/",
    "model/",
    "data/mixture",
    "projection/",
    "predictions/",
    "synthesis/",
    "sweep/",
    "harness.",
)
"""How names begin that are put together."""


def strings(tree: ast.AST) -> list[str]:
    """Return the texts of a file that are no docstrings."""
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


@pytest.mark.parametrize("name", [name for name in FILES if name != "values/names.py"])
def test_no_other_file_spells_a_name_of_what_is_tracked(name: str) -> None:
    modules = {f"harness.{path.removesuffix('.py').replace('/', '.')}" for path in FILES} | {"harness.transfer"}
    spelled = [
        text
        for text in strings(TREES[name])
        if text in OWNED or (text.startswith(BEGINNINGS) and " " not in text and text not in modules)
    ]
    # A model folder has a manifest, and a card of a corpus keys that parameters are named after.
    allowed = {"model/trained.py": {"harness.json"}, "config/reference.py": {"data.source", "data.targets"}}.get(
        name, set()
    )
    assert set(spelled) <= allowed, f"{name} spells {spelled}; use harness.values.names"


def test_every_source_file_has_its_test_file() -> None:
    missing = []
    for name in FILES:
        path = Path(name)
        if path.name in ("__init__.py", "__main__.py"):
            continue
        if not (ROOT / "tests" / path.parent / f"test_{path.name}").is_file():
            missing.append(name)
    assert not missing, f"{len(missing)} files without a test file: {missing}"
