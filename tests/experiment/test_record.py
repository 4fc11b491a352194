from pathlib import Path

from harness.config import compose_config
from harness.experiment.record import header, run_name, run_params, saved_config
from harness.pipeline import run_experiment
from harness.tracking.tracker import MemoryTracker
from harness.values import names
from tests.conftest import QUICK


def test_a_run_is_recorded_without_a_database(toy_card: Path) -> None:
    config = compose_config(["data=toy", "trainer.max_epochs=2", "trainer.threads=1", *QUICK], toy_card)
    tracker = MemoryTracker()
    result = run_experiment(config, command="harness run x", tracker=tracker)
    assert tracker.status == "FINISHED"
    shown = {name: value for name, value in tracker.metrics.items() if names.is_headline(name)}
    curves = {name: tracker.metrics[name] for name in (names.LOSS, names.DEV_F1)}
    assert tracker.metrics == result.metrics | curves | shown
    assert shown["F1/sv"] == round(100 * result.metrics["test/sv/entity_f1"], 2)
    after_curves = [name for name in tracker.metrics if name not in curves]
    assert after_curves[0] == "F1/mean" and after_curves[-1].startswith("data/"), "the order in which MLflow shows them"
    assert [step for step, _ in tracker.steps[names.LOSS]] == [1, 2, 3, 4]
    assert tracker.tags[names.CHECKPOINT_STATE] == names.CHECKPOINT_KEPT
    assert names.predictions("", "test", "sv") in tracker.artifacts
    assert "checkpoint/harness.json" in tracker.artifacts
    assert ("toy en.train", tracker.inputs[0][1]) == tracker.inputs[0]


def test_names_and_parameters_say_what_differs(toy_card: Path) -> None:
    config = compose_config(["data=toy", *QUICK, "method=synthetic", "method.ratio=0.5", "seed=3"], toy_card)
    assert run_name(config) == "char-bilstm synthetic 0.5 seed 3"
    params = run_params(config)
    assert params["method.ratio"] == "0.5" and names.LEARNING_RATE in params and "data.citation" not in params
    assert "uri" not in saved_config(config)["tracking"]


def test_a_run_says_what_it_will_do(toy_card: Path) -> None:
    config = compose_config(["data=toy", *QUICK, "trainer.threads=1", "trainer.accelerator=cpu"], toy_card)
    line = header(config, "postgresql://me:secret@host/runs")
    assert line.startswith("toy: en → sv, sw; char-bilstm zero_shot seed 1; cpu, 1 thread; recorded in experiment ")
    assert "secret" not in line
