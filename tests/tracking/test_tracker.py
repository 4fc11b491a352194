from pathlib import Path

import pytest

from harness.tracking.run import Run
from harness.tracking.store import Store
from harness.tracking.tracker import MemoryTracker, Pruned, Tracker, ending
from harness.values import names
from harness.values.records import Corpus, Sentence

CORPUS = Corpus("toy", "test", "sv", (Sentence("1", "anna", "sv"),), ("PER",))


def tracker(kind: str, tracking: str) -> Tracker:
    return MemoryTracker() if kind == "memory" else Run(Store(tracking), "E", name="r", tags={})


@pytest.mark.parametrize("kind", ["memory", "mlflow"])
def test_every_tracker_takes_what_an_experiment_records(kind: str, tracking: str, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a").write_text("x")
    with tracker(kind, tracking) as run:
        assert run.run_id
        run.log_params({"seed": 1})
        run.log_metrics({names.LOSS: 2.0}, step=1)
        run.log_metrics({names.LOSS: 1.0}, step=2)
        run.set_tags({"a": "b"})
        run.log_json(names.CONFIG, {"x": 1})
        run.log_folder(tmp_path / "model", names.checkpoint())
        run.log_corpora([CORPUS])
    if isinstance(run, MemoryTracker):
        assert (run.status, run.metrics, run.inputs[0][0]) == ("FINISHED", {names.LOSS: 1.0}, "toy sv.test")
    else:
        found = Store(tracking).client.get_run(run.run_id)
        assert (found.info.status, found.data.metrics) == ("FINISHED", {names.LOSS: 1.0})
    with pytest.raises(Exception, match="seed"):  # each says it in words of its own
        run.log_params({"seed": 2})


@pytest.mark.parametrize(
    ("error", "status"), [(Pruned("no"), "KILLED"), (KeyboardInterrupt(), "KILLED"), (ValueError("x"), "FAILED")]
)
def test_a_run_ends_as_what_ended_it(error: BaseException, status: str) -> None:
    assert ending(type(error), error)[0] == status
    run = MemoryTracker()
    with pytest.raises(type(error)), run:
        raise error
    assert run.status == status
    failing = MemoryTracker()
    with failing:
        failing.failure = "two trials failed"
    assert (failing.status, failing.reason) == ("FAILED", "two trials failed")
