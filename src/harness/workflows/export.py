"""Export: the checkpoint of a run as a folder anybody can use, checked before it is handed over.

For a transformer the folder loads with transformers alone (``pipeline("token-classification",
aggregation_strategy="first")``). It is loaded again and must predict what the stored checkpoint predicts; an ONNX
graph must give the same logits.
"""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.machine.files import disk_errors
from harness.machine.locks import scratch_folder
from harness.machine.provenance import mask_url
from harness.model.trained import MANIFEST, TrainedTagger, load_tagger, read_manifest
from harness.tracking.records import Record
from harness.tracking.store import Store
from harness.values import interchange, names
from harness.values.errors import HarnessError, UsageError, first_line
from harness.values.records import Sentence
from harness.workflows.model_card import model_card
from harness.workflows.onnx import export_onnx
from harness.workflows.registry import register_model

logger = logging.getLogger(__name__)


PROBES = 50
"""Test sentences on which a reloaded model must agree with its source."""


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
    :param replaced: a former export was in the folder.
    """

    folder: Path
    run_id: str
    agreement: int
    probes: int
    onnx_difference: float | None = None
    registered: str = ""
    replaced: bool = False


@dataclass(frozen=True)
class Registration:
    """Where a model goes in the model registry.

    :param alias: alias that shall point to the new version; no other moves.
    """

    name: str
    alias: str | None = None


def export_run(
    store: Store,
    record: Record,
    target: Path,
    *,
    model: str | None = None,
    onnx: bool = False,
    registration: Registration | None = None,
    reason: str = "",
) -> Exported:
    """Write a run's best checkpoint to a folder, whole or not at all.

    :param model: of a run with separate models, the target languages whose model is wanted.
    :param registration: where in the model registry to add it.
    :param reason: why this run was chosen, for the model card; empty where a person named it.
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
        trained = load_tagger(folder)
        agreement, probes = _agreement(store, record, trained, model)
        difference = export_onnx(trained, folder) if onnx else None
        card = model_card(record, read_manifest(folder), agreement=(agreement, probes), reason=reason)
        (folder / "README.md").write_text(card, encoding="utf-8")
        foreign = sorted({path.name for path in target.iterdir()} - _FILES) if target.exists() else []
        if foreign:
            raise UsageError(f"{target} holds files that no export wrote ({foreign[0]}); choose another folder")
        _readable(folder)
        replaced = target.exists() and any(target.iterdir())
        if target.exists():
            target.rename(scratch / "former")
        folder.rename(target)
    registered = ""
    if registration:
        registered = register_model(store, record, registration.name, model, registration.alias)
    return Exported(target, record.run_id, agreement, probes, difference, registered, replaced)


def _readable(folder: Path) -> None:
    """Give the files ordinary permissions: safetensors writes them for the owner alone."""
    for path in folder.iterdir():
        path.chmod(0o644)
    folder.chmod(0o755)


def _fetch(store: Store, record: Record, scratch: Path, model: str | None) -> Path:
    import mlflow.artifacts
    from mlflow.exceptions import MlflowException

    if record.tags.get(names.CHECKPOINT_STATE) != names.CHECKPOINT_KEPT:
        state = record.tags.get(names.CHECKPOINT_STATE, names.CHECKPOINT_NONE)
        raise UsageError(
            f"run {record.run_id} has no checkpoint ({state}); --rebuild trains it again from its own command"
        )
    try:
        place = mlflow.artifacts.download_artifacts(
            run_id=record.run_id, artifact_path=names.checkpoint(), dst_path=str(scratch), tracking_uri=store.uri
        )
    except (MlflowException, OSError) as error:
        place = store.client.get_run(record.run_id).info.artifact_uri
        raise HarnessError(
            f"the checkpoint of run {record.run_id} cannot be fetched from {mask_url(place)}: "
            f"{first_line(error)}; "
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


def _agreement(store: Store, record: Record, trained: TrainedTagger, model: str | None) -> tuple[int, int]:
    """Compare the reloaded model, in float32, with the predictions the run stored.

    :raises HarnessError: they differ on more sentences than the run's bfloat16 can explain.
    """
    probes = _stored_predictions(store, record, model, translated=_is_translated(record))
    if not probes:
        logger.info("no stored predictions to compare with (a restricted corpus, or tracking.predictions=false)")
        return 0, 0
    predicted = trained.predict([sentence.with_spans(()) for sentence in probes]).spans
    same = sum(sentence.spans == spans for sentence, spans in zip(probes, predicted, strict=True))
    bf16 = record.metrics.get(names.BF16, 0.0) > 0
    if same < len(probes) and (not bf16 or same < 0.9 * len(probes)):
        raise HarnessError(
            f"the exported model predicts other spans than run {record.run_id} on {len(probes) - same} of "
            f"{len(probes)} sentences; it was not exported"
        )
    return same, len(probes)


def _is_translated(record: Record) -> bool:
    """Return True for translate-test, whose model tags translations: its stored test predictions are projected ones."""
    return record.params.get("method.test") == "translated"


def _stored_predictions(store: Store, record: Record, model: str | None, *, translated: bool) -> list[Sentence]:
    languages = [language for language in record.tags.get(names.LANGUAGES, "").split(",") if language]
    part = model if model and record.metrics.get(names.MODELS, 1.0) > 1 else ""
    probes: list[Sentence] = []
    for language in languages:
        split = "translated_test" if translated and language != record.params.get(names.DATA_SOURCE) else "test"
        text = store.text(record.run_id, names.predictions(part, split, language))
        probes += interchange.from_lines(text)[:PROBES] if text is not None else []
    return probes
