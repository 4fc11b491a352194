"""What outside tables and scripts rely on, held to the last digit: names and values of small runs.

``tests/frozen/runs.json`` was written before the house was rebuilt. After a change that is meant to move a score, write
it anew with ``HARNESS_WRITE_FROZEN=1 python -m pytest tests/test_frozen.py`` and list the change in CHANGELOG under
"Results".
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow.tracking import MlflowClient

from harness.config import compose_config
from harness.pipeline import Warm, run_experiment
from tests.conftest import QUICK

FROZEN = Path(__file__).parent / "frozen" / "runs.json"
WRITING = os.environ.get("HARNESS_WRITE_FROZEN") == "1"

RUNS = {
    "zero_shot": ["method=zero_shot"],
    "synthetic-0.25": ["method=synthetic", "method.ratio=0.25"],
    "synthetic-0.5": ["method=synthetic", "method.ratio=0.5"],
    "separate": ["method=synthetic", "method.ratio=0.25", "method.targets=separate"],
    "translate_train": ["method=translate_train", "method.languages=[sv]"],
    "translate_test": ["method=translate_test", "method.languages=[sv]"],
}
ENCODERS = ("char-bilstm", "transformer")

CLOCK = ("seconds", "per_second", "trainer.threads")
"""Parts of names whose values follow the clock or the machine."""


def recorded(uri: str, run_id: str, folder: Path) -> dict[str, Any]:
    """Return what a run left in MLflow, without times and places."""
    client = MlflowClient(uri)
    run = client.get_run(run_id)
    metrics = {name: value for name, value in run.data.metrics.items() if not any(part in name for part in CLOCK)}
    params = {name: value for name, value in run.data.params.items() if str(folder) not in value}
    steps = {
        name: [point.value for point in client.get_metric_history(run_id, name)]
        for name in metrics
        if name.endswith(("train/loss", "train/dev_entity_f1"))
    }
    artifacts = [entry.path for entry in client.list_artifacts(run_id)]
    artifacts += [entry.path for path in artifacts for entry in client.list_artifacts(run_id, path)]
    return {
        "status": run.info.status,
        "name": run.data.tags["mlflow.runName"],
        "metrics": dict(sorted(metrics.items())),
        "timed": sorted(set(run.data.metrics) - set(metrics)),
        "params": dict(sorted((name, value) for name, value in params.items() if name not in CLOCK)),
        "param_names": sorted(run.data.params),
        "tag_names": sorted(name for name in run.data.tags if not name.startswith("mlflow.")),
        "artifacts": sorted(artifacts),
        "inputs": sorted(
            (entry.dataset.name, entry.dataset.digest, *(tag.value for tag in entry.tags))
            for entry in run.inputs.dataset_inputs
        ),
        "steps": steps,
    }


def machine() -> dict[str, str]:
    """Return what decides the last digits of a float on a CPU."""
    return {"torch": torch.__version__.partition("+")[0], "cpu": torch.backends.cpu.get_cpu_capability()}


@pytest.fixture
def runs(toy_card: Path, tracking: str, tiny_bert: Path, tmp_path: Path) -> dict[str, Any]:
    found = {}
    for encoder in ENCODERS:
        chosen = (
            [f"encoder={encoder}", *QUICK]
            if encoder == "char-bilstm"
            else [
                "encoder=hf",
                f"encoder.path={tiny_bert}",
                "encoder.name=tiny",
                "tracking.system_metrics=false",
                "aligner=hmm",
            ]
        )
        for name, overrides in RUNS.items():
            config = compose_config(
                [
                    "data=toy",
                    "trainer.max_epochs=3",
                    "trainer.threads=1",
                    f"tracking.uri={tracking}",
                    *chosen,
                    *overrides,
                ],
                toy_card,
            )
            result = run_experiment(config, command="harness run x", warm=Warm())
            entry = recorded(tracking, result.run_id, tiny_bert)
            found[f"{encoder}/{name}"] = json.loads(json.dumps(entry))
    return found


def test_names_and_values_of_small_runs_are_frozen(runs: dict[str, Any]) -> None:
    if WRITING:
        text = json.dumps({"machine": machine(), "runs": runs}, indent=1, sort_keys=True)
        FROZEN.write_text(text + "\n", encoding="utf-8")
    frozen = json.loads(FROZEN.read_text(encoding="utf-8"))
    assert frozen["runs"].keys() == runs.keys()
    same_machine = frozen["machine"] == machine()
    for name, run in runs.items():
        expected = frozen["runs"][name]
        for part in ("status", "name", "params", "param_names", "tag_names", "artifacts", "inputs", "timed"):
            assert run[part] == expected[part], f"{name}: {part}"
        assert run["metrics"].keys() == expected["metrics"].keys(), name
        if same_machine:  # another processor adds floats in another order
            assert run["metrics"] == expected["metrics"], name
            assert run["steps"] == expected["steps"], name
