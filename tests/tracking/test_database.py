import logging
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import pytest

from harness.tracking.run import Run
from harness.tracking.store import Store
from harness.values.errors import DependencyError, HarnessError


def test_a_store_that_cannot_be_opened_is_one_sentence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "x.db").write_bytes(b"this is no database, but long enough to be read as a page header" * 20)
    with caplog.at_level(logging.CRITICAL), pytest.raises(HarnessError, match="tracking store sqlite"):
        Store(f"sqlite:///{tmp_path / 'x.db'}").experiment_id("e")


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


def test_a_missing_driver_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for driver in ("psycopg2", "psycopg"):  # SQLAlchemy 2.1 took to the second
        monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(DependencyError, match=r"driver 'psycopg2?' is missing; install it with: pip install 'psycopg"):
        Store("postgresql://user:secret@127.0.0.1:1/x")


def test_a_damaged_store_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database" * 100)
    with pytest.raises(HarnessError, match="is damaged: restore it from a copy, or move it away"):
        Store(f"sqlite:///{tmp_path}/x.db").experiment_id("x")
