"""Runs in MLflow: parameters, tags, metrics, data sets, artifacts, and a status that is true whatever happens.

Everything goes through ``MlflowClient``: the fluent API keeps a global active run and its nesting does not reach across
processes. A sweep's trials carry the tag ``mlflow.parentRunId``. Lightning's own MLflow logger is not used: it cuts
parameters at 250 characters, renames metrics and ends a pruned run as FAILED.
"""

import logging
import os
import platform
import re
import tempfile
from collections.abc import Collection, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from harness.config import TrackingConfig
from harness.config.compose import default_tracking_uri
from harness.machine.process import collector_paused
from harness.machine.provenance import mask_url
from harness.tracking.database import make_schema, store_errors
from harness.tracking.judges import rank_by, recipe
from harness.tracking.view import missing_tags
from harness.values import names
from harness.values.errors import ConfigError, UsageError, first_line, nearest

# Read by mlflow when it is imported: clinical users must not send anything anywhere.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


os.environ.setdefault("MLFLOW_ENABLE_ASYNC_LOGGING", "false")


os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


# A server that is gone is reported within half a minute; the default goes on for two without a word.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")


logger = logging.getLogger(__name__)


def process_name(number: int) -> str:
    """Return ``host/pid@start``, which no later process has again."""
    import psutil

    try:
        return f"{platform.node()}/{number}@{psutil.Process(number).create_time():.0f}"
    except psutil.NoSuchProcess:
        return ""


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


def existing_store(uri: str | None) -> str:
    """Return the URI of a store that a command reads.

    :raises UsageError: there is no such database.
    """
    found = tracking_uri(TrackingConfig(uri=uri))
    if artifact_folder(found) and not Path(found.removeprefix("sqlite:///")).is_file():
        raise UsageError(
            f"no tracking store at {found}; run 'harness run' or 'make demo' first, or give --tracking-uri"
        )
    return found


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
            make_schema(uri)
            self.client: Any = MlflowClient(tracking_uri=uri, registry_uri=uri)

    def experiment_id(self, name: str, *, create: bool = True) -> str:
        """Return the id of an experiment.

        :raises HarnessError: it does not exist and ``create`` is false, or the name is deleted.
        """
        from mlflow.exceptions import MlflowException

        with store_errors(self.uri):
            experiment = self.client.get_experiment_by_name(name)
            if experiment is None and create:
                folder = artifact_folder(self.uri)
                place = (folder / _folder_name(name)).as_uri() if folder else None
                try:
                    return str(self.client.create_experiment(name, artifact_location=place))
                except MlflowException:  # another process was faster
                    experiment = self.client.get_experiment_by_name(name)
        if experiment is None:
            known = sorted(search_experiment.name for search_experiment in self.client.search_experiments())
            raise ConfigError(
                f"tracking store {mask_url(self.uri)} has no experiment {name!r}{nearest(name, known)}; it has {known}"
            )
        if experiment.lifecycle_stage != "active":
            raise ConfigError(f"experiment {name!r} is deleted in {mask_url(self.uri)}; restore it or name another")
        return str(experiment.experiment_id)

    def present(self, experiment_id: str, languages: Sequence[str], description: str = "") -> None:
        """Set what MLflow's UI shows of an experiment, see :mod:`harness.tracking.view`.

        Two processes may do so at once, and a server may refuse it: no run depends on it.
        """
        try:
            with store_errors(self.uri):
                tags = dict(self.client.get_experiment(experiment_id).tags)
                for name, text in missing_tags(tags, languages, description).items():
                    self.client.set_experiment_tag(experiment_id, name, text)
        except Exception as error:  # noqa: BLE001 - whatever a database or server raises
            logger.debug("the experiment was not described: %s", error)

    def experiments(self) -> list[tuple[str, str]]:
        """Return name and id of every experiment, the one that changed last first."""
        with store_errors(self.uri):
            found = self.client.search_experiments(order_by=["last_update_time DESC"])
        return [(str(one.name), str(one.experiment_id)) for one in found]

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

    def has_run(self, run_id: str) -> bool:
        """Return True where the store still has a run."""
        from mlflow.exceptions import MlflowException

        try:
            return bool(self.client.get_run(run_id).info.lifecycle_stage == "active")
        except MlflowException:
            return False

    def runs(self, experiment_ids: Sequence[str], filter_string: str = "") -> list[Any]:
        """Return all runs of experiments that a filter lets through, page by page, oldest first."""
        runs_read: list[Any] = []
        token = None
        while True:
            with store_errors(self.uri), collector_paused():
                page = self.client.search_runs(
                    list(experiment_ids), filter_string, max_results=1000, order_by=["attributes.start_time ASC"],
                    page_token=token,
                )  # fmt: skip
            runs_read += page
            token = page.token
            if not token:
                return runs_read

    def close_stale(self, run_ids: Sequence[str], reason: str) -> None:
        """Mark runs that a dead process left RUNNING as KILLED."""
        for run_id in run_ids:
            with store_errors(self.uri):
                if self.client.get_run(run_id).info.status == "RUNNING":
                    self.client.set_tag(run_id, names.REASON, reason)
                    self.client.set_terminated(run_id, "KILLED")

    def close_dead(self, experiment_id: str) -> None:
        """Mark as KILLED the RUNNING runs of an experiment whose process on this machine is gone (kill -9, power)."""
        import psutil

        dead = []
        for run in self.runs([experiment_id], "attributes.status = 'RUNNING'"):
            name = run.data.tags.get(names.PROCESS, "")
            host, _, rest = name.rpartition("/")
            if host != platform.node() or not rest:
                continue
            number = int(rest.partition("@")[0])
            if not psutil.pid_exists(number) or process_name(number) != name:
                dead.append(run.info.run_id)
        self.close_stale(dead, "its process died")

    def text(self, run_id: str, path: str) -> str | None:
        """Return a text artifact of a run; nothing where it has none."""
        import mlflow.artifacts
        from mlflow.exceptions import MlflowException

        with tempfile.TemporaryDirectory() as scratch:
            try:
                file = mlflow.artifacts.download_artifacts(
                    run_id=run_id, artifact_path=path, dst_path=scratch, tracking_uri=self.uri
                )
            except (MlflowException, OSError):
                return None
            return Path(file).read_text(encoding="utf-8")

    def curves(self, run_id: str) -> dict[str, dict[str, list[float]]]:
        """Return the values of a run's curves by model, in the order of the steps; nothing for a run without."""
        with store_errors(self.uri):
            metrics = self.client.get_run(run_id).data.metrics
            wanted = [name for name in metrics if names.is_curve(name)]
            wanted += [name for name in metrics if wanted and names.part_of(name)[1] == names.DEV_F1]
            histories = {name: self.client.get_metric_history(run_id, name) for name in wanted}
        found: dict[str, dict[str, list[float]]] = {}
        for name, points in histories.items():
            part, plain = names.part_of(name)
            ordered = sorted(points, key=lambda point: point.step)
            found.setdefault(part, {})[plain] = [point.value for point in ordered]
        return found

    def remove_artifacts(self, run_id: str, name: str) -> None:
        """Remove a folder of artifacts as far as possible; whoever calls has a worse error to report."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        try:
            uri = self.client.get_run(run_id).info.artifact_uri
            repository: Any = get_artifact_repository(uri, tracking_uri=self.uri)
            repository.delete_artifacts(name)
        except Exception as failure:  # noqa: BLE001 - any store's; the caller has a worse error to report
            logger.error("half-written %s of run %s could not be removed: %s", name, run_id, first_line(failure))

    def keep_best_checkpoint(self, experiment_id: str, parent: str, method: str, keys: Collection[str]) -> None:
        """Of the finished trials of a sweep with one method, keep the checkpoint that ``export best`` would choose: by
        the best-founded proxy they all have; without one, of each recipe by the dev set of its mixture.

        :param keys: the configurations that belong to the sweep as it stands; empty for all.
        """
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        trials = self.runs(
            [experiment_id],
            f"tags.`{names.PARENT}` = '{parent}' AND tags.`{names.CHECKPOINT_STATE}` = '{names.CHECKPOINT_KEPT}' "
            f"AND params.`method.name` = '{method}'",
        )
        trials = [run for run in trials if not keys or run.data.tags.get(names.TRIAL_KEY) in keys]
        metric = rank_by([run.data for run in trials])
        rows: dict[object, list[Any]] = {}
        for run in trials:  # without a common measure, the best of each recipe
            rows.setdefault(None if metric else recipe(run.data.params), []).append(run)

        def place(run: Any) -> tuple[bool, float]:
            score = run.data.metrics.get(metric or names.BEST_DEV_F1, 0.0)
            return not run.data.tags.get(names.COLLAPSED), score

        worse = [run for row in rows.values() for run in sorted(row, key=place, reverse=True)[1:]]
        for run in worse:
            with store_errors(self.uri):
                if self.client.search_model_versions(f"run_id = '{run.info.run_id}'"):
                    continue  # a registered model is served from there
                repository: Any = get_artifact_repository(run.info.artifact_uri, tracking_uri=self.uri)
                repository.delete_artifacts(names.checkpoint())
                self.client.set_tag(run.info.run_id, names.CHECKPOINT_STATE, names.CHECKPOINT_REMOVED)


def _folder_name(experiment: str) -> str:
    """Return the folder of an experiment's artifacts: its name, where that is the name of a folder."""
    if re.fullmatch(r"[\w-][\w .-]*", experiment):
        return experiment
    readable = re.sub(r"[^\w-]+", "_", experiment).strip("_")
    return f"{readable}-{blake2b(experiment.encode(), digest_size=4).hexdigest()}"
