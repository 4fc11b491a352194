"""A trained model as a folder: what a run stores, ``harness export`` hands out and ``harness predict`` loads.

For a transformer it is a plain Hugging Face folder (config.json with id2label, model.safetensors, tokenizer files)
that ``pipeline("token-classification")`` loads; for the from-scratch baseline, weights and settings. ``harness.json``
lies beside, written last: a folder without it is not complete. It holds the digests of the other files, and a folder
that does not fit them is refused: a flipped bit in the weights would load without a word.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file

from harness.config import EncoderCard
from harness.config.strict import Strict
from harness.machine.files import disk_errors, write_text
from harness.machine.provenance import file_digest
from harness.model.contract import Coder, Network
from harness.model.datamodule import encode_corpus
from harness.model.predict import predict_spans
from harness.values.errors import DataError, shown
from harness.values.records import Sentence, Span

logger = logging.getLogger(__name__)

MANIFEST = "harness.json"
FORMAT = 1


@dataclass(frozen=True)
class TrainedModel:
    """A network with what is needed to use it.

    :param tags: the tag set, O first.
    :param overlap: pieces two windows of a long sentence share.
    """

    network: Network
    coder: Coder
    tags: tuple[str, ...]
    card: EncoderCard
    max_length: int
    overlap: int

    def predict(
        self, sentences: Sequence[Sentence], *, device: torch.device | None = None, bf16: bool = False
    ) -> list[tuple[Span, ...]]:
        """Return the entities of each sentence; sentences of any length, also empty ones."""
        corpus = encode_corpus(sentences, self.coder, overlap=self.overlap)
        return predict_spans(
            self.network, corpus, self.coder, self.tags, device=device or torch.device("cpu"), bf16=bf16
        )


def save_model(model: TrainedModel, folder: Path, **facts: Any) -> None:
    """Write a model into a folder.

    :param facts: anything JSON-serialisable to keep in the manifest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with disk_errors(folder):
        model.network.save(folder)
        model.coder.save(folder)
    manifest = {
        "format": FORMAT,
        "tags": list(model.tags),
        "encoder": model.card.model_dump(
            mode="json", exclude={"path"} if Path(model.card.path or "").is_dir() else None
        ),
        "max_length": model.max_length,
        "window_overlap": model.overlap,
        **facts,
        "files": {path.name: file_digest(path) for path in sorted(folder.iterdir()) if path.is_file()},
    }
    write_text(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a model folder.

    :raises DataError: there is none, or it is of another format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(f"{folder} holds no {MANIFEST}; give a folder that 'harness export' wrote")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({shown(str(error))[1:-1]})") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else type(manifest).__name__
        raise DataError(f"{path}: format {shown(found)}, this version reads {FORMAT}; export the run again")
    return dict(manifest)


class _Manifest(Strict):
    """The part of a manifest that loading needs; the rest tells where the model comes from."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    tags: tuple[Annotated[str, Field(pattern=r"^(?:O|[BI]-[^\x00-\x20\x7f-\x9f]{1,200})$")], ...] = Field(
        min_length=1, max_length=10_000
    )
    encoder: EncoderCard
    max_length: int = Field(ge=8, le=1_000_000)
    window_overlap: int = Field(ge=0)
    files: dict[str, str] = Field(default={})


def _checked(folder: Path, manifest: dict[str, Any]) -> _Manifest:
    """Check what a manifest says and the digests of the files.

    :raises DataError: a part is missing or of another kind, or a file is damaged.
    """
    encoder = manifest.get("encoder")
    path = {"path": str(folder)} if isinstance(encoder, dict) else {}
    try:
        checked = _Manifest.model_validate(
            {**manifest, "encoder": {**path, **encoder} if path and encoder else encoder}
        )
    except ValidationError as error:
        detail = error.errors()[0]
        key = ".".join(str(part) for part in detail["loc"])
        raise DataError(f"{folder / MANIFEST}: {key}: {detail['msg']}; export the run again") from error
    card = checked.encoder
    if card.kind == "char-bilstm" and max(card.byte_dimensions, card.filters, card.hidden_units) > LARGEST_LAYER:
        raise DataError(
            f"{folder / MANIFEST}: encoder: a layer of more than {LARGEST_LAYER} units; export the run again"
        )
    if len(set(checked.tags)) != len(checked.tags):
        raise DataError(f"{folder / MANIFEST}: tags: one comes twice; export the run again")
    for name, digest in checked.files.items():
        file = folder / name
        if Path(name).name != name or not file.is_file() or file_digest(file) != digest:
            raise DataError(
                f"{file} is {'damaged' if file.is_file() else 'missing'}: it is not what was exported; export the "
                "run again"
            )
    unlisted = sorted({one.name for one in folder.glob("*.safetensors")} - checked.files.keys())
    if not checked.files:
        logger.warning("%s is of an older export without digests: damage of its weights cannot be seen", folder)
    elif unlisted:
        raise DataError(f"{folder / MANIFEST}: files: no digest of {unlisted[0]}; export the run again")
    return checked


LARGEST_LAYER = 4_096
"""Units of a char-bilstm layer that can be meant; the largest takes some 600 MB."""


def load_model(folder: Path) -> TrainedModel:
    """Load a model folder, in float32 on the CPU.

    :raises DataError: the folder is incomplete or its weights are damaged.
    """
    manifest = _checked(folder, read_manifest(folder))
    card, tags = manifest.encoder, manifest.tags
    network: Network
    coder: Coder
    if card.kind == "char-bilstm":
        from harness.model.char_bilstm import WEIGHTS
        from harness.model.open import load_encoder

        network, coder = load_encoder(card, tags, max_length=manifest.max_length)
        try:
            network.load_state_dict(load_file(folder / WEIGHTS))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise DataError(f"{folder / WEIGHTS} cannot be loaded: {str(error).splitlines()[0]}") from error
    else:
        from harness.model.transformer import TransformerCoder, TransformerNetwork

        network = TransformerNetwork.exported(folder)
        coder = TransformerCoder.pretrained(
            str(folder), None, max_length=manifest.max_length, config=network.model.config
        )
        if network.model.config.num_labels != len(tags):
            raise DataError(
                f"{folder}: config.json has {network.model.config.num_labels} labels, {MANIFEST} {len(tags)} "
                "tags; export "
                "the run again"
            )
    network.eval()
    return TrainedModel(
        network, coder, tags, card, manifest.max_length, min(manifest.window_overlap, coder.longest // 2)
    )
