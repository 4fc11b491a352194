"""Export: the checkpoint of a run as a folder anybody can use, checked before it is handed over.

For a transformer the folder loads with transformers alone (``pipeline("token-classification",
aggregation_strategy="first")``). It is loaded again and must predict what the stored checkpoint predicts; an ONNX
graph must give the same logits.
"""

import json
import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.machine.locks import scratch_folder
from harness.machine.provenance import mask_url
from harness.machine.store import disk_errors
from harness.model.trained import MANIFEST, TrainedModel, load_model, read_manifest
from harness.report.collect import Record, best_run, collect
from harness.tracking.store import CHECKPOINT, Store
from harness.values.errors import DataError, DependencyError, HarnessError, UsageError
from harness.values.records import Sentence, Span
from harness.workflows.model_card import model_card

logger = logging.getLogger(__name__)

PROBES = 50
"""Test sentences on which a reloaded model must agree with its source."""

ONNX_TOLERANCE = 1e-3
"""Largest difference of a logit between torch and ONNX in float32; logits are of the order of 10."""


_FILES = {
    MANIFEST, "MLmodel", "README.md", "config.json", "model.safetensors", "model.onnx", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "vocab.json", "merges.txt", "added_tokens.json",
    "sentencepiece.bpe.model", "spm.model", "tokenizer.model", "chat_template.jinja",
}  # fmt: skip
"""What an export may consist of; a folder with anything else in it is not replaced."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    :param agreement: probe sentences on which the reloaded model predicts the stored predictions' spans.
    :param probes: probe sentences; 0 for a restricted corpus or a run that stored no predictions.
    """

    folder: Path
    run_id: str
    agreement: int
    probes: int
    onnx_difference: float | None = None
    registered: str = ""


def choose_run(store: Store, wanted: str, experiment: str | None, *, kept: bool = True) -> Record:
    """Return a run by id, by the start of its id, or the best by source dev score.

    :param kept: whether the best must have its checkpoint.
    :raises UsageError: no run, or several, fit.
    """
    if wanted == "best":
        return best_run(collect(store, experiment), kept=kept)
    fitting = [record for record in collect(store, experiment) if record.run_id.startswith(wanted)]
    if len(fitting) != 1:
        raise UsageError(
            f"{'no run' if not fitting else f'{len(fitting)} runs'} of the store has an id starting with {wanted!r}"
        )
    return fitting[0]


def export_run(
    store: Store,
    record: Record,
    target: Path,
    *,
    model: str | None = None,
    onnx: bool = False,
    register: str | None = None,
    alias: str | None = None,
) -> Exported:
    """Write a run's best checkpoint to a folder, whole or not at all.

    :param model: of a run with separate models, the target languages whose model is wanted.
    :param register: name in the model registry to add it under.
    :param alias: alias that shall point to the new version; no other moves.
    :raises UsageError: the target exists and holds something else, or the run has no checkpoint.
    :raises HarnessError: the exported folder does not predict what the checkpoint predicts.
    """
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / MANIFEST).is_file())):
        raise UsageError(f"{target} exists and is not an exported model; choose another folder")
    if record.status != "FINISHED":
        raise UsageError(f"run {record.run_id} is {record.status}, only finished runs are exported")
    target = target.resolve()  # a link to a former export stays one
    target.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(".export-", target.parent) as scratch:
        fetched = _fetch(store, record, scratch, model)
        folder = scratch / "export"
        with disk_errors(target):
            shutil.copytree(fetched, folder, ignore=shutil.ignore_patterns("registered_model_meta"))  # MLflow's own
        trained = load_model(folder)
        agreement, probes = _agreement(store, record, trained, model)
        difference = _export_onnx(trained, folder) if onnx else None
        card = model_card(record, read_manifest(folder), agreement=(agreement, probes))
        (folder / "README.md").write_text(card, encoding="utf-8")
        foreign = sorted({one.name for one in target.iterdir()} - _FILES) if target.exists() else []
        if foreign:
            raise UsageError(f"{target} holds files that no export wrote ({foreign[0]}); choose another folder")
        _readable(folder)
        if target.exists():
            target.rename(scratch / "former")
        folder.rename(target)
    registered = _register(store, record, register, model, alias) if register else ""
    return Exported(target, record.run_id, agreement, probes, difference, registered)


def _readable(folder: Path) -> None:
    """Give the files ordinary permissions: safetensors writes them for the owner alone."""
    for path in folder.iterdir():
        path.chmod(0o644)
    folder.chmod(0o755)


def _fetch(store: Store, record: Record, scratch: Path, model: str | None) -> Path:
    import mlflow.artifacts
    from mlflow.exceptions import MlflowException

    if record.tags.get("harness.checkpoint") != "kept":
        state = record.tags.get("harness.checkpoint", "none")
        raise UsageError(
            f"run {record.run_id} has no checkpoint ({state}); --rebuild trains it again from its own command"
        )
    try:
        place = mlflow.artifacts.download_artifacts(
            run_id=record.run_id, artifact_path=CHECKPOINT, dst_path=str(scratch), tracking_uri=store.uri
        )
    except (MlflowException, OSError) as error:
        place = store.client.get_run(record.run_id).info.artifact_uri
        raise HarnessError(
            f"the checkpoint of run {record.run_id} cannot be fetched from {mask_url(place)}: "
            f"{str(error).splitlines()[0]}; "
            "put the artifacts there, or train it again with --rebuild"
        ) from error
    folder = Path(place)
    if (folder / MANIFEST).is_file():
        return folder
    models = sorted(child.name for child in folder.iterdir() if (child / MANIFEST).is_file())
    if not models:
        raise HarnessError(f"the checkpoint of run {record.run_id} is incomplete; run it again")
    if model not in models:
        raise UsageError(f"run {record.run_id} trained one model for each of {models}; choose one with --model")
    return folder / model


def _agreement(store: Store, record: Record, trained: TrainedModel, model: str | None) -> tuple[int, int]:
    """Compare the reloaded model, in float32, with the predictions the run stored.

    :raises HarnessError: they differ on more sentences than the run's bfloat16 can explain.
    """
    probes = _stored_predictions(store, record, model)
    if not probes:
        logger.info("no stored predictions to compare with (a restricted corpus, or tracking.predictions=false)")
        return 0, 0
    predicted = trained.predict([sentence.with_spans(()) for sentence in probes])
    same = sum(sentence.spans == spans for sentence, spans in zip(probes, predicted, strict=True))
    bf16 = record.metrics.get("train/bf16", 0.0) > 0
    if same < len(probes) and (not bf16 or same < 0.9 * len(probes)):
        raise HarnessError(
            f"the exported model predicts other spans than run {record.run_id} on {len(probes) - same} of "
            f"{len(probes)} sentences; it was not exported"
        )
    return same, len(probes)


def _stored_predictions(store: Store, record: Record, model: str | None) -> list[Sentence]:
    from mlflow.exceptions import MlflowException

    languages = [language for language in record.tags.get("languages", "").split(",") if language]
    part = f"{model}/" if model and record.metrics.get("model/count", 1.0) > 1 else ""
    found: list[Sentence] = []
    for language in languages:
        try:
            text = _artifact_text(store, record, f"predictions/{part}test.{language}.jsonl")
        except (MlflowException, OSError):
            continue
        for line in text.rstrip("\n").split("\n"):  # splitlines would cut at U+2028 inside a text
            value = json.loads(line)
            spans = tuple(Span(one["start"], one["end"], one["label"]) for one in value["spans"])
            tokens = value.get("tokens")
            offsets = tuple((start, end) for start, end in tokens) if tokens else None
            found.append(Sentence(value["id"], value["text"], value["language"], spans, offsets))
            if len(found) % PROBES == 0:
                break
    return found


def _artifact_text(store: Store, record: Record, path: str) -> str:
    import mlflow.artifacts

    with tempfile.TemporaryDirectory() as scratch:
        file = mlflow.artifacts.download_artifacts(
            run_id=record.run_id, artifact_path=path, dst_path=scratch, tracking_uri=store.uri
        )
        return Path(file).read_text(encoding="utf-8")


def _export_onnx(trained: TrainedModel, folder: Path) -> float:
    """Write ``model.onnx`` with dynamic batch and length, and return the largest difference of a logit.

    :raises DependencyError: the packages are missing.
    :raises HarnessError: the graph computes something else.
    """
    if trained.card.kind != "transformers":
        raise UsageError("--onnx is for transformers; the char-bilstm baseline reads bytes through a table of its own")
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 - torch's exporter needs it
    except ImportError as error:
        raise DependencyError(
            f"--onnx needs {error.name}; install it with: pip install 'onnx>=1.17' 'onnxruntime>=1.20' "
            "'onnxscript>=0.5'"
        ) from error
    import numpy as np
    import torch

    model: Any = trained.network.eval().model
    ids = torch.tensor([[5, 6, 7, 8, 9, 10], [5, 6, 7, 8, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
    path = folder / "model.onnx"
    shape = {
        0: torch.export.Dim("batch", min=1),
        1: torch.export.Dim("length", min=2, max=trained.max_length),
    }
    with torch.no_grad():
        torch.onnx.export(
            _Logits(model), (ids, mask), str(path),
            input_names=["input_ids", "attention_mask"], output_names=["logits"],
            dynamic_shapes=(shape, shape), dynamo=True, external_data=False, verbose=False,
        )  # fmt: skip
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for sentence in ("A short one.", "A longer sentence with more words than the other, twice 5 mg."):
        encoded = trained.coder.encode([Sentence("0", sentence, "en")])[0]
        probe = torch.from_numpy(encoded.pieces.astype(np.int64))[None]
        ones = torch.ones_like(probe)
        with torch.no_grad():
            ours = model(input_ids=probe, attention_mask=ones).logits.numpy()
        theirs = session.run(None, {"input_ids": probe.numpy(), "attention_mask": ones.numpy()})[0]
        worst = max(worst, float(np.abs(ours - theirs).max()))
    if worst > ONNX_TOLERANCE:
        raise HarnessError(f"the ONNX graph's logits differ by {worst:.2g}, at most {ONNX_TOLERANCE:g} is allowed")
    return worst


def _Logits(model: Any) -> Any:
    import torch

    class Logits(torch.nn.Module):
        """Only the logits: a graph has no use for the other outputs."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

    return Logits()


def _register(store: Store, record: Record, name: str, model: str | None, alias: str | None) -> str:
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
            raise DataError(f"--register {name!r}: {str(error).splitlines()[0]}") from error
    run = client.get_run(record.run_id)
    place = CHECKPOINT + (f"/{model}" if record.metrics.get("model/count", 1.0) > 1 else "")
    client.log_text(record.run_id, _mlmodel(record.run_id, place), f"{place}/MLmodel")
    version = client.create_model_version(
        name, source=f"{run.info.artifact_uri}/{place}", run_id=record.run_id, description=_summary(record),
        tags={key: record.tags[key] for key in ("protocol", "languages", "restricted") if key in record.tags},
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
        "dev entity F1": record.metrics.get("train/best_dev_entity_f1"),
        "mean test entity F1": record.metrics.get("test/mean/entity_f1"),
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
