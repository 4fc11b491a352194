"""Runs in MLflow: parameters, tags, metrics, data sets, artifacts, and a status that is true whatever happens.

Everything goes through ``MlflowClient``: the fluent API keeps a global active run and its nesting does not reach across
processes. A sweep's trials carry the tag ``mlflow.parentRunId``. Lightning's own MLflow logger is not used: it cuts
parameters at 250 characters, renames metrics and ends a pruned run as FAILED.
"""

import json
import logging
import os
import platform
import re
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from harness.config import TrackingConfig
from harness.config.compose import default_tracking_uri
from harness.machine.locks import file_lock
from harness.machine.provenance import mask_secret, mask_url
from harness.machine.store import cache_folder, cache_key, made_whole
from harness.values.errors import ConfigError, DependencyError, HarnessError, nearest, shortened
from harness.values.records import Corpus

# Read by mlflow when it is imported: clinical users must not send anything anywhere.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ASYNC_LOGGING", "false")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# A server that is gone is reported within half a minute; the default goes on for two without a word.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")

logger = logging.getLogger(__name__)

PARENT_TAG = "mlflow.parentRunId"
CHECKPOINT = "checkpoint"
"""Artifact folder of the best checkpoint."""

_BATCH = 1000
"""Most metrics MLflow takes in one call."""
_PARAMS_BATCH = 100
_PARAM_LENGTH = 6000
"""Longest parameter value MLflow stores."""
_TAG_LENGTH = 5000
"""Longest tag."""


PROCESS_TAG = "harness.process"


def process_name(number: int) -> str:
    """Return ``host/pid@start``, which no later process has again."""
    import psutil

    try:
        return f"{platform.node()}/{number}@{psutil.Process(number).create_time():.0f}"
    except psutil.NoSuchProcess:
        return ""


class Pruned(HarnessError):
    """Raised by whoever prunes a run; it ends as KILLED."""


def tracking_uri(settings: TrackingConfig) -> str:
    """Return the tracking URI of a run; relative sqlite paths are made absolute.

    :raises ConfigError: the URI is of a kind MLflow 3 no longer writes to.
    """
    uri = settings.uri or default_tracking_uri()
    if uri.startswith("sqlite:///"):
        return f"sqlite:///{Path(uri.removeprefix('sqlite:///')).expanduser().absolute()}"
    if "://" not in uri or uri.startswith("file:"):
        raise ConfigError(
            f"tracking.uri: found {mask_url(uri)!r}; MLflow 3 writes to a database or a server: "
            "sqlite:///PATH.db, postgresql://…, or http://…"
        )
    return uri


def artifact_folder(uri: str) -> Path | None:
    """Return where the artifacts of a local database go; a server decides for itself."""
    if not uri.startswith("sqlite:///"):
        return None
    database = Path(uri.removeprefix("sqlite:///"))
    return database.parent / f"{database.stem}-artifacts"


class Store:
    """One tracking store.

    :param uri: see :func:`tracking_uri`.
    :raises HarnessError: it cannot be reached or opened.
    """

    def __init__(self, uri: str) -> None:
        from mlflow.tracking import MlflowClient

        logging.getLogger("alembic").setLevel(logging.WARNING)
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        self.uri = uri
        with store_errors(uri):
            _make_schema(uri)
            self.client: Any = MlflowClient(tracking_uri=uri, registry_uri=uri)

    def experiment_id(self, name: str, *, create: bool = True) -> str:
        """Return the id of an experiment.

        :raises HarnessError: it does not exist and ``create`` is false, or the name is deleted.
        """
        from mlflow.exceptions import MlflowException

        with store_errors(self.uri):
            found = self.client.get_experiment_by_name(name)
            if found is None and create:
                folder = artifact_folder(self.uri)
                place = (folder / _folder_name(name)).as_uri() if folder else None
                try:
                    return str(self.client.create_experiment(name, artifact_location=place))
                except MlflowException:  # another process was faster
                    found = self.client.get_experiment_by_name(name)
        if found is None:
            known = sorted(one.name for one in self.client.search_experiments())
            raise ConfigError(
                f"tracking store {mask_url(self.uri)} has no experiment {name!r}{nearest(name, known)}; it has {known}"
            )
        if found.lifecycle_stage != "active":
            raise ConfigError(f"experiment {name!r} is deleted in {mask_url(self.uri)}; restore it or name another")
        return str(found.experiment_id)

    def has_experiment(self, name: str) -> bool:
        """Return True where there is an experiment of this name."""
        with store_errors(self.uri):
            return self.client.get_experiment_by_name(name) is not None

    def experiment_ids(self) -> list[str]:
        """Return the ids of all experiments."""
        with store_errors(self.uri):
            return [str(experiment.experiment_id) for experiment in self.client.search_experiments()]

    def run(self, run_id: str) -> Any:
        """Return one run."""
        with store_errors(self.uri):
            return self.client.get_run(run_id)

    def runs(self, experiment_ids: Sequence[str], filter_string: str = "") -> list[Any]:
        """Return all runs of experiments that a filter lets through, page by page, oldest first."""
        found: list[Any] = []
        token = None
        while True:
            with store_errors(self.uri):
                page = self.client.search_runs(
                    list(experiment_ids), filter_string, max_results=1000, order_by=["attributes.start_time ASC"],
                    page_token=token,
                )  # fmt: skip
            found += page
            token = page.token
            if not token:
                return found

    def close_stale(self, run_ids: Sequence[str], reason: str) -> None:
        """Mark runs that a dead process left RUNNING as KILLED."""
        for run_id in run_ids:
            with store_errors(self.uri):
                if self.client.get_run(run_id).info.status == "RUNNING":
                    self.client.set_tag(run_id, "harness.reason", reason)
                    self.client.set_terminated(run_id, "KILLED")

    def close_dead(self, experiment_id: str) -> None:
        """Mark as KILLED the RUNNING runs of an experiment whose process on this machine is gone (kill -9, power)."""
        import psutil

        dead = []
        for run in self.runs([experiment_id], "attributes.status = 'RUNNING'"):
            name = run.data.tags.get(PROCESS_TAG, "")
            host, _, rest = name.rpartition("/")
            if host != platform.node() or not rest:
                continue
            number = int(rest.partition("@")[0])
            if not psutil.pid_exists(number) or process_name(number) != name:
                dead.append(run.info.run_id)
        self.close_stale(dead, "its process died")

    def remove_artifacts(self, run_id: str, name: str) -> None:
        """Remove a folder of artifacts as far as possible; whoever calls has a worse error to report."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        try:
            uri = self.client.get_run(run_id).info.artifact_uri
            repository: Any = get_artifact_repository(uri, tracking_uri=self.uri)
            repository.delete_artifacts(name)
        except Exception as failure:  # noqa: BLE001 - any store's; the caller has a worse error to report
            logger.error(
                "half-written %s of run %s could not be removed: %s", name, run_id, str(failure).splitlines()[0]
            )

    def keep_best_checkpoint(self, experiment_id: str, parent: str, method: str, keys: Collection[str]) -> None:
        """Of the finished trials of a sweep with one method, keep the checkpoint with the best source dev score.

        :param keys: the configurations that belong to the sweep as it stands; empty for all.
        """
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        trials = self.runs(
            [experiment_id],
            f"tags.`{PARENT_TAG}` = '{parent}' AND tags.`harness.checkpoint` = 'kept' "
            f"AND params.`method.name` = '{method}'",
        )
        trials = [run for run in trials if not keys or run.data.tags.get("harness.key") in keys]
        ranked = sorted(trials, key=lambda run: run.data.metrics.get("train/best_dev_entity_f1", 0.0), reverse=True)
        for run in ranked[1:]:
            with store_errors(self.uri):
                if self.client.search_model_versions(f"run_id = '{run.info.run_id}'"):
                    continue  # a registered model is served from there
                repository: Any = get_artifact_repository(run.info.artifact_uri, tracking_uri=self.uri)
                repository.delete_artifacts(CHECKPOINT)
                self.client.set_tag(run.info.run_id, "harness.checkpoint", "removed: another trial is better on dev")


def _folder_name(experiment: str) -> str:
    """Return the folder of an experiment's artifacts: its name, where that is the name of a folder."""
    if re.fullmatch(r"[\w-][\w .-]*", experiment):
        return experiment
    readable = re.sub(r"[^\w-]+", "_", experiment).strip("_")
    return f"{readable}-{blake2b(experiment.encode(), digest_size=4).hexdigest()}"


def _make_schema(uri: str) -> None:
    """Make the tables of a store that is new; for a local database whole or not at all.

    MLflow makes them in some sixty migrations that are no transaction: a kill between two, or two first runs at once,
    would leave a database that refuses every command.
    """
    from mlflow.tracking import MlflowClient

    database = database_path(uri)
    if database is None:
        if not uri.startswith("http"):
            # A database server: one process of this machine at a time makes its tables, the others find them.
            lock = cache_folder() / "locks" / f"store-{cache_key('store', uri=uri)}.lock"
            with file_lock(lock, "the command that opens the same store"):
                MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments(max_results=1)
        return

    def make(path: Path) -> None:
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        made: Any = SqlAlchemyStore(  # type: ignore[no-untyped-call]
            f"sqlite:///{path}", (database.parent / "mlruns").as_uri()
        )
        made.engine.dispose()

    if not database.is_file() or not database.stat().st_size:  # one that is there is whole, and may be read-only
        with made_whole(database, make):
            pass
    _move_along(database)


def database_path(uri: str) -> Path | None:
    """Return the file of a local database."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def _move_along(database: Path) -> None:
    """Let a store that was moved or copied find its artifacts beside the database again.

    MLflow keeps absolute places. Where an experiment's recorded folder ends like ours, is gone, and ours is there, it
    is the same store in a new place. A place that still exists, or is on a server, stays what it is.
    """
    beside = database.parent / f"{database.stem}-artifacts"
    if not beside.is_dir():
        return
    columns = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("model_versions", "source"),
               ("model_versions", "storage_location"), ("logged_models", "artifact_location"))  # fmt: skip
    connection = sqlite3.connect(database, timeout=60)
    try:
        places = {place for (place,) in connection.execute("SELECT artifact_location FROM experiments") if place}
        moved = {old: new for old in sorted(places) if (new := _moved_to(old, beside))}
        for old, new in moved.items():
            logger.warning("the store has moved: artifacts are taken from %s instead of %s", new, old)
            with connection:
                for table, column in columns:
                    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                        connection.execute(
                            f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608
                            f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                            (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
                        )
    finally:
        connection.close()


def _moved_to(place: str, beside: Path) -> str | None:
    """Return where an experiment's artifacts are now; None where they are at their recorded place, or nowhere.

    :param place: as recorded: ``file:///…/mlflow-artifacts/EXPERIMENT``.
    """
    former, mark, name = place.rpartition(f"/{quote(beside.name)}/")
    if not mark or not place.startswith("file:///"):
        return None
    old = Path(unquote(urlsplit(place).path))
    if old.exists() or f"{former}{mark}{name}" == f"{beside.as_uri()}/{name}":
        return None
    # One that has no artifacts yet moves with its store.
    return f"{beside.as_uri()}/{name}" if (beside / unquote(name)).is_dir() or not old.parent.is_dir() else None


@contextmanager
def store_errors(uri: str) -> Iterator[None]:
    """Turn what databases and servers raise into one sentence."""
    from alembic.util.exc import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except ModuleNotFoundError as error:
        raise DependencyError(
            f"tracking store {mask_url(uri)}: the database's driver {error.name!r} is missing; "
            f"install it with: pip install {DRIVERS.get(error.name or '', error.name)}"
        ) from error
    except (SQLAlchemyError, MlflowException, CommandError, sqlite3.Error, OSError) as error:
        reason = (str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__])[0][:200]
        raise HarnessError(f"tracking store {mask_url(uri)}: {mask_url(reason)}{_advice(uri, reason)}") from error


DRIVERS = {"psycopg2": "'psycopg2-binary>=2.9'", "psycopg": "'psycopg[binary]>=3.2'", "MySQLdb": "mysqlclient"}
"""Module → package, for databases that hold a store or a study."""


def _advice(uri: str, reason: str) -> str:
    path = database_path(uri)
    if path is None or not path.is_file():
        return ""
    if "already exists" in reason or "duplicate column" in reason or "no such table" in reason:
        return f"; {path} was left half-made by another program or an older version: move it away, and its runs with it"
    if "malformed" in reason or "not a database" in reason:
        return f"; {path} is damaged: restore it from a copy, or move it away to begin a new store"
    return ""


class Run:
    """A run that ends truly: FINISHED when the block ends well, KILLED when pruned or interrupted, else FAILED.

    Use as a context manager. The reason of a failure is the tag ``harness.reason``.

    :param parent: run id of the sweep this run belongs to.
    :param run_id: opens an existing run again (a sweep that is resumed) instead of a new one.
    """

    def __init__(
        self,
        store: Store,
        experiment: str,
        *,
        name: str,
        tags: Mapping[str, str],
        parent: str | None = None,
        run_id: str | None = None,
    ) -> None:
        self.store = store
        self._experiment = experiment
        self._name = name
        self._tags = dict(tags) | ({PARENT_TAG: parent} if parent else {})
        self.run_id = run_id or ""
        self.failure = ""
        """Set it to end the run as FAILED although its block ends well (a sweep whose trials failed)."""
        self._monitor: Any = None

    def __enter__(self) -> "Run":
        experiment = self.store.experiment_id(self._experiment)
        self.store.close_dead(experiment)
        self._tags[PROCESS_TAG] = process_name(os.getpid())
        tags = {key: _tag(value) for key, value in self._tags.items()}
        if self.run_id:
            with store_errors(self.store.uri):
                self.store.client.update_run(self.run_id, status="RUNNING")
                if "harness.reason" in self.store.client.get_run(self.run_id).data.tags:
                    self.store.client.delete_tag(self.run_id, "harness.reason")
            self.set_tags(tags)
            return self
        with store_errors(self.store.uri):
            run = self.store.client.create_run(experiment, tags=tags, run_name=self._name)
        self.run_id = str(run.info.run_id)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_system_metrics()
        status, reason = _ending(kind, error)
        if kind is None and self.failure:
            status, reason = "FAILED", self.failure
        # The status first: on a full disk the reason may find no room any more.
        self._close(lambda: self.store.client.set_terminated(self.run_id, status), error)
        if reason:
            text = _tag(reason)
            self._close(lambda: self.store.client.set_tag(self.run_id, "harness.reason", text), error)

    def _close(self, write: Callable[[], object], error: BaseException | None) -> None:
        """Write, once more after a second if need be, without hiding the error that ended the run."""
        for attempt in (1, 2):
            try:
                write()
                return
            except Exception as failure:  # whatever a database or server raises
                said = str(failure).splitlines()[0][:200]
                if attempt == 1:
                    time.sleep(1)
                elif error is None:
                    raise HarnessError(f"the run could not be closed: {said}") from failure
                else:
                    logger.error("run %s could not be closed: %s", self.run_id, said)

    def log_params(self, values: Mapping[str, Any]) -> None:
        """Record parameters; a value too long for MLflow is an error, never cut."""
        from mlflow.entities import Param

        params = []
        for key, value in values.items():
            text = mask_secret(f"{key}={value}").partition("=")[2]
            if len(text) > _PARAM_LENGTH:
                raise ConfigError(f"{key}: {len(text)} characters, a recorded parameter may have {_PARAM_LENGTH}")
            params.append(Param(key, text))
        with store_errors(self.store.uri):
            for start in range(0, len(params), _PARAMS_BATCH):
                self.store.client.log_batch(self.run_id, params=params[start : start + _PARAMS_BATCH])

    def log_metrics(self, values: Mapping[str, float], *, step: int = 0) -> None:
        """Record metrics in one call."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(key, float(value), now, step) for key, value in values.items()]
        with store_errors(self.store.uri):
            for start in range(0, len(metrics), _BATCH):
                self.store.client.log_batch(self.run_id, metrics=metrics[start : start + _BATCH])

    def set_tags(self, values: Mapping[str, str]) -> None:
        """Set tags."""
        with store_errors(self.store.uri):
            for key, value in values.items():
                self.store.client.set_tag(self.run_id, key, _tag(value))

    def log_text(self, name: str, text: str) -> None:
        """Store a text artifact."""
        with store_errors(self.store.uri):
            self.store.client.log_text(self.run_id, text, name)

    def log_json(self, name: str, value: object) -> None:
        """Store a JSON artifact."""
        self.log_text(name, mask_url(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)) + "\n")

    def log_folder(self, folder: Path, name: str) -> None:
        """Store a folder of artifacts."""
        try:
            with store_errors(self.store.uri):
                self.store.client.log_artifacts(self.run_id, str(folder), name)
        except HarnessError:
            self.store.remove_artifacts(self.run_id, name)  # half a checkpoint must not look like one
            raise

    def log_corpora(self, corpora: Sequence[Corpus]) -> None:
        """Record data sets with their digests as inputs of the run; texts are not stored."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        inputs = []
        for corpus in corpora:
            profile = {
                "sentences": len(corpus),
                "entities": corpus.entities,
                "labels": dict(corpus.label_counts),
            }
            dataset = Dataset(
                name=f"{corpus.name} {corpus.language}.{corpus.split}",
                digest=corpus.digest,
                source_type="local",
                source=json.dumps({"corpus": corpus.name, "language": corpus.language, "split": corpus.split}),
                profile=json.dumps(profile),
            )
            inputs.append(DatasetInput(dataset, tags=[InputTag("mlflow.data.context", corpus.split)]))
        for attempt in range(5):
            try:
                with store_errors(self.store.uri):
                    self.store.client.log_inputs(self.run_id, inputs)
                return
            except HarnessError as error:
                # Two workers of a sweep may enter the same data set at once; then it is there at the next try.
                text = str(error).lower()
                if attempt == 4 or "datasets" not in text or not ("unique" in text or "duplicate" in text):
                    raise

    def start_system_metrics(self) -> None:
        """Sample processor, memory and GPU every ten seconds until the run ends."""
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        monitor: Any = SystemMetricsMonitor
        self._monitor = monitor(
            self.run_id, sampling_interval=10, samples_before_logging=1, tracking_uri=self.store.uri
        )
        self._monitor.start()

    def stop_system_metrics(self) -> None:
        """Stop sampling."""
        if self._monitor is not None:
            self._monitor.finish()
            self._monitor = None


def _tag(value: object) -> str:
    """Return a tag's text as MLflow can hold it, passwords masked; a longer one says what is left out."""
    return shortened(mask_url(str(value)), _TAG_LENGTH)


def _ending(kind: type[BaseException] | None, error: BaseException | None) -> tuple[str, str]:
    if kind is None:
        return "FINISHED", ""
    if issubclass(kind, Pruned):
        return "KILLED", f"pruned: {error}"
    if issubclass(kind, KeyboardInterrupt):
        return "KILLED", "interrupted (Ctrl-C or SIGTERM)"
    return "FAILED", f"{kind.__name__}: {error}"
