"""One run in MLflow: parameters, metrics, tags, artifacts, and a true status at the end."""

import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.config import TrackingConfig
from harness.machine.provenance import mask_secret, mask_url
from harness.tracking.database import store_errors
from harness.tracking.store import Store, process_name, tracking_uri
from harness.tracking.tracker import ending
from harness.values import names
from harness.values.errors import ConfigError, HarnessError, first_line, shortened
from harness.values.records import Corpus

logger = logging.getLogger(__name__)


_BATCH = 1000
"""Most metrics MLflow takes in one call."""


_PARAMS_BATCH = 100


_PARAM_LENGTH = 6000
"""Longest parameter value MLflow stores."""


_TAG_LENGTH = 5000
"""Longest tag."""


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
        self._tags = dict(tags) | ({names.PARENT: parent} if parent else {})
        self.run_id = run_id or ""
        self.failure = ""
        """Set it to end the run as FAILED although its block ends well (a sweep whose trials failed)."""
        self.unchanged = False
        """Set it to give a run that was opened again its former end: nothing was added to it."""
        self._former_end: int | None = None
        self._monitor: Any = None

    def __enter__(self) -> "Run":
        experiment = self.store.experiment_id(self._experiment)
        self.store.close_dead(experiment)
        self._tags[names.PROCESS] = process_name(os.getpid())
        tags = {key: _tag(value) for key, value in self._tags.items()}
        if self.run_id:
            with store_errors(self.store.uri):
                former = self.store.client.get_run(self.run_id)
                self._former_end = former.info.end_time
                self.store.client.update_run(self.run_id, status="RUNNING")
                if names.REASON in former.data.tags:
                    self.store.client.delete_tag(self.run_id, names.REASON)
            self.set_tags(tags)
            return self
        self.store.present(experiment, [tag for tag in self._tags.get(names.LANGUAGES, "").split(",") if tag])
        with store_errors(self.store.uri):
            run = self.store.client.create_run(experiment, tags=tags, run_name=self._name)
        self.run_id = str(run.info.run_id)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_system_metrics()
        status, reason = ending(kind, error)
        if kind is None and self.failure:
            status, reason = "FAILED", self.failure
        # The status first: on a full disk the reason may find no room any more.
        end = self._former_end if self.unchanged else None
        self._close(lambda: self.store.client.set_terminated(self.run_id, status, end), error)
        if reason:
            text = _tag(reason)
            self._close(lambda: self.store.client.set_tag(self.run_id, names.REASON, text), error)

    def _close(self, write: Callable[[], object], error: BaseException | None) -> None:
        """Write, once more after a second if need be, without hiding the error that ended the run."""
        for attempt in (1, 2):
            try:
                write()
                return
            except Exception as failure:  # whatever a database or server raises
                said = first_line(failure)[:200]
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
            inputs.append(DatasetInput(dataset, tags=[InputTag(names.CONTEXT, corpus.split)]))
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


def open_run(settings: TrackingConfig, name: str, tags: Mapping[str, str], parent: str | None) -> Run:
    """Return a run in the store of the settings; it opens when its block is entered.

    :param parent: run id of the sweep it belongs to.
    :raises HarnessError: the store cannot be reached or opened.
    """
    return Run(Store(tracking_uri(settings)), settings.experiment, name=name, tags=tags, parent=parent)
