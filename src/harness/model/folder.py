"""A trained model as a folder: what a run stores, ``harness export`` hands out and ``harness predict`` loads.

For a transformer it is a plain Hugging Face folder (config.json with id2label, model.safetensors, tokenizer files) that
``pipeline("token-classification")`` loads; for the from-scratch baseline, weights and settings. ``harness.json``
lies beside, written last: a folder without it is not complete.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from harness.cache import disk_errors, write_text
from harness.config import EncoderCard
from harness.errors import DataError
from harness.model.datamodule import encode_corpus
from harness.model.encoders import Coder, Network
from harness.model.predict import predict_spans
from harness.records import Sentence, Span

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
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})") from error
    if manifest.get("format") != FORMAT:
        raise DataError(f"{path}: format {manifest.get('format')!r}, this version reads {FORMAT}; export the run again")
    return dict(manifest)


def load_model(folder: Path) -> TrainedModel:
    """Load a model folder, in float32 on the CPU.

    :raises DataError: the folder is incomplete or its weights are damaged.
    """
    manifest = read_manifest(folder)
    card = EncoderCard.model_validate({"path": str(folder), **manifest["encoder"]})
    tags = tuple(manifest["tags"])
    network: Network
    coder: Coder
    if card.kind == "char-bilstm":
        from harness.model.char_bilstm import WEIGHTS
        from harness.model.encoders import load_encoder

        network, coder = load_encoder(card, tags, max_length=manifest["max_length"])
        try:
            network.load_state_dict(load_file(folder / WEIGHTS))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise DataError(f"{folder / WEIGHTS} cannot be loaded: {str(error).splitlines()[0]}") from error
    else:
        from harness.model.transformer import TransformerCoder, TransformerNetwork

        network = TransformerNetwork.exported(folder)
        coder = TransformerCoder.pretrained(
            str(folder), None, max_length=manifest["max_length"], config=network.model.config
        )
    network.eval()
    return TrainedModel(network, coder, tags, card, manifest["max_length"], manifest["window_overlap"])
