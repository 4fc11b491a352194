import logging
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import pytest

from harness.config import TrackingConfig
from harness.tracking.run import Run
from harness.tracking.store import Store, tracking_uri
from harness.tracking.tracker import Pruned
from harness.values import names
from harness.values.errors import ConfigError, DependencyError, HarnessError
from harness.values.records import Corpus, Sentence, Span


def run(store: Store, **settings: object) -> Run:
    return Run(store, "e", name="n", tags={"a": "b"}, **settings)  # type: ignore[arg-type]


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


def test_stale_runs_are_closed_and_others_left_alone(tracking: str) -> None:
    store = Store(tracking)
    with run(store) as done:
        pass
    stale = run(store).__enter__()
    store.close_stale([done.run_id, stale.run_id], "died")
    assert store.client.get_run(stale.run_id).info.status == "KILLED"
    assert store.client.get_run(done.run_id).info.status == "FINISHED"


@pytest.mark.parametrize("uri", ["file:///tmp/mlruns", "mlruns", "/tmp/mlruns"])
def test_a_file_store_is_refused_with_what_to_write(uri: str) -> None:
    with pytest.raises(ConfigError, match="sqlite:///PATH.db"):
        tracking_uri(TrackingConfig(uri=uri))


def test_the_default_store_lies_in_mlruns_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert tracking_uri(TrackingConfig()) == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert tracking_uri(TrackingConfig(uri="sqlite:///x.db")) == f"sqlite:///{tmp_path}/x.db"


def test_a_store_that_cannot_be_opened_is_one_sentence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "x.db").write_bytes(b"this is no database, but long enough to be read as a page header" * 20)
    with caplog.at_level(logging.CRITICAL), pytest.raises(HarnessError, match="tracking store sqlite"):
        Store(f"sqlite:///{tmp_path / 'x.db'}").experiment_id("e")


def test_an_unknown_experiment_names_those_there_are(tracking: str) -> None:
    with pytest.raises(ConfigError, match=r"no experiment 'x'; it has \['Default'\]"):
        Store(tracking).experiment_id("x", create=False)


def test_first_runs_at_once_share_a_new_store(tmp_path: Path) -> None:
    code = "import sys; from harness.tracking.store import Store; print(Store(sys.argv[1]).experiment_id('x'))"
    uri = f"sqlite:///{tmp_path}/new.db"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, uri], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    answers = [process.communicate() for process in processes]
    assert [out.strip() for out, _ in answers] == ["1"] * 3, answers
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == ["new.db"]


def test_a_kill_while_the_store_is_made_leaves_none(tmp_path: Path) -> None:
    code = "import sys; from harness.tracking.store import Store; print('go', flush=True); Store(sys.argv[1])"
    database = tmp_path / "new.db"
    process = subprocess.Popen([sys.executable, "-c", code, f"sqlite:///{database}"], stdout=subprocess.PIPE, text=True)
    making = lambda: [path for path in tmp_path.iterdir() if path.is_dir()]  # noqa: E731
    while not making() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not database.exists()
    assert Store(f"sqlite:///{database}").client.search_experiments()
    assert making() == []


def test_a_moved_store_finds_its_artifacts_and_writes_beside_itself(tracking: str, tmp_path: Path) -> None:
    with Run(Store(tracking), "E %", name="n", tags={}) as run:
        run.log_text("x.txt", "hello")
    old, new = Path(tracking.removeprefix("sqlite:///")).parent, tmp_path / "moved"
    new.mkdir()
    for path in list(old.glob("runs*")):
        path.rename(new / path.name)
    moved = Store(f"sqlite:///{new}/runs.db")
    uri = moved.client.get_run(run.run_id).info.artifact_uri
    assert (Path(unquote(uri.removeprefix("file://"))) / "x.txt").read_text() == "hello"
    with Run(moved, "E %", name="n", tags={}) as second:
        second.log_text("y.txt", "more")
    assert not list(old.glob("runs-artifacts"))
    assert len(list(new.rglob("y.txt"))) == 1


def test_a_copied_store_leaves_places_that_are_still_right(tracking: str, tmp_path: Path) -> None:
    with Run(Store(tracking), "E", name="n", tags={}) as run:
        run.log_text("x.txt", "hello")
    before = Store(tracking).client.get_run(run.run_id).info.artifact_uri
    new = tmp_path / "copy"
    (new / "runs-artifacts").mkdir(parents=True)
    shutil.copy(tracking.removeprefix("sqlite:///"), new / "runs.db")
    copied = Store(f"sqlite:///{new}/runs.db")
    copied.client.create_experiment("cloud", artifact_location="s3://team/runs-artifacts/cloud")
    again = Store(f"sqlite:///{new}/runs.db").client
    assert again.get_run(run.run_id).info.artifact_uri == before
    assert again.get_experiment_by_name("cloud").artifact_location == "s3://team/runs-artifacts/cloud"


@pytest.mark.parametrize("name", ["../../outside", "a/b", "..", "täglich 1"])
def test_an_experiments_artifacts_lie_beside_the_store_whatever_its_name(name: str, tracking: str) -> None:
    with Run(Store(tracking), name, name="n", tags={}) as run:
        run.log_text("x.txt", "hello")
    folder = Path(tracking.removeprefix("sqlite:///")).parent / "runs-artifacts"
    place = unquote(Store(tracking).client.get_run(run.run_id).info.artifact_uri.removeprefix("file://"))
    assert Path(place).resolve().is_relative_to(folder.resolve())


def test_a_missing_driver_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for driver in ("psycopg2", "psycopg"):  # SQLAlchemy 2.1 took to the second
        monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(DependencyError, match=r"driver 'psycopg2?' is missing; install it with: pip install 'psycopg"):
        Store("postgresql://user:secret@127.0.0.1:1/x")


def test_a_damaged_store_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database" * 100)
    with pytest.raises(HarnessError, match="is damaged: restore it from a copy, or move it away"):
        Store(f"sqlite:///{tmp_path}/x.db").experiment_id("x")
