"""The MLflow model registry."""

from typing import Any

from harness.tracking.records import Record
from harness.tracking.store import Store
from harness.values import names
from harness.values.errors import DataError, first_line

_SHOWN_TAGS = (names.PROTOCOL, names.LANGUAGES, names.RESTRICTED)


def register_model(store: Store, record: Record, name: str, model: str | None, alias: str | None) -> str:
    """Add the run's checkpoint to the model registry, as a model that ``mlflow.pyfunc`` loads.

    :param alias: points to the new version afterwards; without it no alias moves.
    :returns: name, version and alias, and with an alias the scores of the version that had it and of the new one.
    """
    from mlflow.exceptions import MlflowException

    client = store.client
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if "ALREADY_EXISTS" not in str(getattr(error, "error_code", "")) and "already exists" not in str(error):
            raise DataError(f"--register {name!r}: {first_line(error)}") from error
    run = client.get_run(record.run_id)
    part = model or "" if record.metrics.get(names.MODELS, 1.0) > 1 else ""
    place = names.checkpoint(part)
    client.log_text(record.run_id, _mlmodel(record.run_id, place), f"{place}/MLmodel")
    version = client.create_model_version(
        name, source=f"{run.info.artifact_uri}/{place}", run_id=record.run_id, description=_summary(record),
        tags={key: record.tags[key] for key in _SHOWN_TAGS if key in record.tags},
    )  # fmt: skip
    if alias is None:
        return f"{name} version {version.version} (no alias moved; --alias NAME points one to it)"
    former = _former(client, name, alias)
    client.set_registered_model_alias(name, alias, version.version)
    before = f", before it {former}" if former else ""
    return f"{name} version {version.version}, alias {alias}: {_summary(record)}{before}"


def _former(client: Any, name: str, alias: str) -> str:
    """Say which version has an alias, and how it scored."""
    from mlflow.exceptions import MlflowException

    try:
        version = client.get_model_version_by_alias(name, alias)
        run = client.get_run(version.run_id)
    except MlflowException:
        return ""
    record = Record(run.info.run_id, run.info.status, run.data.params, run.data.metrics, run.data.tags)
    return f"version {version.version} ({_summary(record)})"


def _summary(record: Record) -> str:
    """Return what a version is, in one line."""
    figures = {
        "dev entity F1": record.metrics.get(names.BEST_DEV_F1),
        "mean test entity F1": record.metrics.get(names.score("test", names.MEAN, "entity_f1")),
    }
    scores = ", ".join(f"{what} {100 * value:.1f}" for what, value in figures.items() if value is not None)
    return (
        f"{record.key('encoder')} {record.key('method')} on {record.key('data')}, seed {record.key('seed')}: {scores}"
    )


def _mlmodel(run_id: str, place: str) -> str:
    """Return MLflow's description of a model folder: loaded by :mod:`harness.model.served`, texts in, entities out.

    Without a signature: one that takes a list of texts refuses a table with a column beside them, and the reverse.
    """
    import mlflow.pyfunc
    from mlflow.models import Model

    model: Any = Model(artifact_path=place, run_id=run_id)
    mlflow.pyfunc.add_to_model(model, loader_module="harness.model.served")
    return str(model.to_yaml())
