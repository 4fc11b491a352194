from pathlib import Path
from urllib.parse import unquote

import pytest

from harness.config import TrackingConfig
from harness.tracking.run import Run
from harness.tracking.store import Store, tracking_uri
from harness.values.errors import ConfigError
from tests.tracking.mlflow_cases import run


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


def test_an_unknown_experiment_names_those_there_are(tracking: str) -> None:
    with pytest.raises(ConfigError, match=r"no experiment 'x'; it has \['Default'\]"):
        Store(tracking).experiment_id("x", create=False)


@pytest.mark.parametrize("name", ["../../outside", "a/b", "..", "täglich 1"])
def test_an_experiments_artifacts_lie_beside_the_store_whatever_its_name(name: str, tracking: str) -> None:
    with Run(Store(tracking), name, name="n", tags={}) as run:
        run.log_text("x.txt", "hello")
    folder = Path(tracking.removeprefix("sqlite:///")).parent / "runs-artifacts"
    place = unquote(Store(tracking).client.get_run(run.run_id).info.artifact_uri.removeprefix("file://"))
    assert Path(place).resolve().is_relative_to(folder.resolve())
