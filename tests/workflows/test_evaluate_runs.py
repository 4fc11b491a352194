"""Two runs tested against each other from what they stored, restricted data included."""

import json
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from harness.config import compose_config
from harness.evaluation.measures import measure
from harness.pipeline import run_experiment
from harness.tracking.records import Record, collect
from harness.tracking.store import Store
from harness.values.errors import UsageError
from harness.workflows.evaluate_runs import compare_runs, stored_counts
from tests.conftest import QUICK

BASE = ["data=toy", "trainer.max_epochs=4", "trainer.threads=1", *QUICK]


def run(folder: Path, tracking: str, *overrides: str) -> Record:
    config = compose_config([*BASE, f"tracking.uri={tracking}", *overrides], folder)
    run_id = run_experiment(config, command="harness run x").run_id
    (found,) = [record for record in collect(Store(tracking), None) if record.run_id == run_id]
    return found


def test_counts_give_the_scores_of_the_run_and_a_paired_test(toy_card: Path, tracking: str) -> None:
    first, second = run(toy_card, tracking), run(toy_card, tracking, "seed=2")
    store = Store(tracking)
    for name, stored in stored_counts(store, first).items():
        split, language = name.split(".")
        score = first.metrics[f"{split}/{language}/entity_f1"]
        assert float(measure("entity_f1", stored.counts.summed())) == pytest.approx(score)
    tested = {one.name: one for one in compare_runs(store, first, second, split="test")}
    assert set(tested) == {"test.en", "test.sv", "test.sw"}
    left, right, difference, p_value = tested["test.sv"].scores["entity_f1"]
    assert left == pytest.approx(first.metrics["test/sv/entity_f1"])
    assert difference == pytest.approx(left - right) and 0 < p_value <= 1
    same = compare_runs(store, first, first, split="test")
    assert {one.scores["entity_f1"][3] for one in same} == {1.0}


def test_restricted_runs_store_counts_without_text_and_public_tests_their_predictions(
    toy_card: Path, tracking: str
) -> None:
    restricted = run(toy_card, tracking, "data.restricted=true", "+data.targets.sv.test.public=true")
    client = MlflowClient(tracking)
    artifacts = {entry.path for entry in client.list_artifacts(restricted.run_id)}
    assert "counts.json" in artifacts
    stored = {entry.path for entry in client.list_artifacts(restricted.run_id, "predictions")}
    assert stored == {"predictions/test.sv.jsonl"}
    text = Store(tracking).text(restricted.run_id, "counts.json")
    assert text is not None
    assert not [word for word in ("anna", "rome", "went", "day2") if word in text]
    public = run(toy_card, tracking)
    tested = compare_runs(Store(tracking), restricted, public, split="test")
    assert {one.scores["entity_f1"][2] for one in tested} == {0.0}, "the same training, whatever may be shown of it"


def test_what_cannot_be_paired_is_refused(toy_card: Path, tracking: str) -> None:
    store = Store(tracking)
    first = run(toy_card, tracking)
    test = toy_card / "data" / "sv" / "test.conll"
    test.write_text(test.read_text(encoding="utf-8").replace("went", "flew"), encoding="utf-8")
    second = run(toy_card, tracking)
    with pytest.raises(UsageError, match=r"test\.sv changed between the two runs"):
        compare_runs(store, first, second, split="test")
    store.remove_artifacts(first.run_id, "counts.json")
    with pytest.raises(UsageError, match="has no counts per sentence that can be fetched"):
        stored_counts(store, first)


def test_counts_are_small(toy_card: Path, tracking: str) -> None:
    text = Store(tracking).text(run(toy_card, tracking).run_id, "counts.json")
    assert text is not None
    values = json.loads(text)
    assert all(np.array(rows).ndim == 2 for corpus in values.values() for rows in corpus["labels"].values() if rows)
