"""The harness from Python: the functions of ``import harness``, and the page that shows them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.tracking.store import Store
from harness.values.errors import DataError, UsageError
from tests.conftest import QUICK
from tests.model.models_cases import fit


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, harness; harness.run; harness.load;"
        "sys.exit(str({'torch', 'mlflow', 'transformers', 'optuna', 'pandas', 'pydantic', 'hydra'} & set(sys.modules) or '') or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_runs_are_made_and_compared(toy_card: Path, tracking: str) -> None:
    made = [
        harness.run(
            *QUICK, "trainer.max_epochs=1", f"tracking.uri={tracking}", config_dir=toy_card, data="toy", seed=seed
        )
        for seed in (1, 2)
    ]
    table = harness.compare(tracking_uri=tracking)
    frame = table.to_pandas()
    assert len(frame) == 1 and frame["seeds"][0] == 2
    mean = sum(result.metrics["test/mean/entity_f1"] for result in made) / 2
    assert frame.filter(regex="mean.*").iloc[0, 0] == pytest.approx(mean)
    command = Store(tracking).client.get_run(made[0].run_id).data.tags["harness.command"]
    assert command.startswith("harness run --config-dir ") and "data=toy" in command and "seed=1" in command


def test_a_study_is_launched(toy_card: Path, tracking: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        f"name: s\noverrides: [data=toy, trainer.max_epochs=1, {', '.join(QUICK)}]\ngrid:\n  - method: [zero_shot]\n"
    )
    outcome = harness.launch(tmp_path / "s.yaml", f"tracking.uri={tracking}", config_dir=toy_card)
    assert (outcome.finished, outcome.failed) == (1, ())


def test_a_model_is_loaded_and_tags(tiny_bert: Path, tmp_path: Path) -> None:
    tagger = fit("char-bilstm", tiny_bert, tmp_path, epochs=25, patience=None).tagger
    (entities,) = harness.load(tagger.save(tmp_path / "model")).predict(["anna went to rome on day 1."])
    assert entities[0]["text"] == "anna" and 0 < entities[0]["score"] <= 1
    through = tagger.save(tmp_path / "through", method={"test": "translated"}, source="en")
    with pytest.raises(UsageError, match="translate_test, which tags en alone"):
        harness.load(through)
    with pytest.raises(DataError, match=r"holds no harness\.json"):
        harness.load(tmp_path)


def test_predictions_are_scored(toy_card: Path) -> None:
    gold = toy_card / "data" / "sv" / "test.conll"
    assert harness.evaluate(gold, gold)["entity_f1"] == 1.0


def test_the_notebook_runs_and_shows_what_it_shows(tmp_path: Path) -> None:
    """Figures may move by a machine's last digits, so digits are not compared; nor is what a model of 60 steps finds."""
    book = Path(__file__).parents[1] / "docs" / "first_hour.ipynb"
    command = [sys.executable, "-W", "ignore", "-m", "tests.notebook_cases", str(book), "--check"]
    environment = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")}
    root = Path(__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root, env=environment)
    assert done.returncode == 0, done.stderr
    outputs = json.loads(done.stdout.splitlines()[-1])
    cells = [cell for cell in json.loads(book.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    stored = ["".join(line for output in cell["outputs"] for line in output["text"]) for cell in cells]
    assert [_shape(text) for text in outputs[:2]] == [_shape(text) for text in stored[:2]]
    assert outputs[2].startswith("[('") and stored[2].startswith("[('")


def _shape(text: str) -> list[str]:
    return re.sub(r"\d+(\.\d+)?", "0", text).split()
