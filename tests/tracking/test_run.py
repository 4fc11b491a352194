from pathlib import Path

import pytest

from harness.tracking.store import Store
from harness.tracking.tracker import Pruned
from harness.values import names
from harness.values.errors import ConfigError, HarnessError
from harness.values.records import Corpus, Sentence, Span
from tests.tracking.mlflow_cases import run


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (None, "FINISHED", None),
        (Pruned("weak"), "KILLED", "pruned: weak"),
        (KeyboardInterrupt(), "KILLED", "interrupted"),
        (HarnessError("disk"), "FAILED", "HarnessError: disk"),
        (MemoryError("x"), "FAILED", "MemoryError: x"),
        (SystemExit(1), "FAILED", "SystemExit: 1"),
    ],
)
def test_a_run_ends_truly(error: BaseException | None, status: str, reason: str | None, tracking: str) -> None:
    store = Store(tracking)
    opened = run(store)
    if error is None:
        with opened:
            pass
    else:
        with pytest.raises(type(error)), opened:
            raise error
    found = store.client.get_run(opened.run_id)
    assert found.info.status == status
    assert found.info.end_time is not None
    assert reason is None or reason in found.data.tags["harness.reason"]


def test_everything_logged_is_there(tracking: str, tmp_path: Path) -> None:
    store = Store(tracking)
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "x.txt").write_text("x")
    corpus = Corpus("toy", "test", "sv", (Sentence("1", "Rome", "sv", (Span(0, 4, "LOC"),)),), ("LOC",))
    with run(store, parent="p" * 32) as opened:
        opened.log_params({"method.ratio": 0.2, "long": "x" * 500, "uri": "postgresql://me:secret@h/d"})
        opened.log_metrics({f"test/sv/measure{number}": number for number in range(1200)})
        opened.log_metrics({"train/loss": 0.5}, step=3)
        opened.log_corpora([corpus])
        opened.log_folder(tmp_path / "f", "checkpoint")
        opened.log_json("config.json", {"a": 1})
    found = store.client.get_run(opened.run_id)
    assert found.data.params == {"method.ratio": "0.2", "long": "x" * 500, "uri": "postgresql://me:***@h/d"}
    assert len(found.data.metrics) == 1201
    assert found.data.tags[names.PARENT] == "p" * 32
    (entry,) = found.inputs.dataset_inputs
    assert (entry.dataset.name, entry.dataset.digest) == ("toy sv.test", corpus.digest)
    assert "Rome" not in entry.dataset.source + entry.dataset.profile
    assert [one.path for one in store.client.list_artifacts(opened.run_id)] == ["checkpoint", "config.json"]
    assert found.info.artifact_uri.startswith((tmp_path / "runs-artifacts" / "e").as_uri())


def test_two_workers_may_enter_one_data_set_at_once(tracking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.exceptions import MlflowException

    store = Store(tracking)
    corpus = Corpus("toy", "test", "sv", (Sentence("1", "Rome", "sv"),), ())
    real, faults = store.client.log_inputs, ["(IntegrityError) UNIQUE constraint failed: datasets.name"]

    def race(*given: object) -> None:
        if faults:
            raise MlflowException(faults.pop())
        real(*given)

    monkeypatch.setattr(store.client, "log_inputs", race)
    with run(store) as opened:
        opened.log_corpora([corpus])
        faults.append("no such table: inputs")
        with pytest.raises(HarnessError, match="no such table"):
            opened.log_corpora([corpus])
    assert len(store.client.get_run(opened.run_id).inputs.dataset_inputs) == 1


def test_a_parameter_that_mlflow_would_cut_is_an_error(tracking: str) -> None:
    with pytest.raises(ConfigError, match="7000 characters"), run(Store(tracking)) as opened:
        opened.log_params({"x": "y" * 7000})


def test_a_run_can_be_opened_again(tracking: str) -> None:
    store = Store(tracking)
    with run(store) as first:
        pass
    with run(store, run_id=first.run_id) as again:
        assert store.client.get_run(first.run_id).info.status == "RUNNING"
    assert again.run_id == first.run_id
    assert store.client.get_run(first.run_id).info.status == "FINISHED"
