"""A trained model as a folder: what a run stores, ``harness export`` hands out and ``harness predict`` loads.

For a transformer it is a plain Hugging Face folder (config.json with id2label, model.safetensors, tokenizer files)
that ``pipeline("token-classification")`` loads; for the from-scratch baseline, weights and settings. ``harness.json``
lies beside, written last: a folder without it is not complete. It holds the digests of the other files, and a folder
that does not fit them is refused: a flipped bit in the weights would load without a word.
"""

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file

from harness.config import EncoderCard
from harness.config.strict import Strict
from harness.machine.files import disk_errors, exported_manifest, write_text
from harness.machine.process import thread_count
from harness.machine.provenance import file_digest
from harness.model.contract import Coder, Network
from harness.model.datamodule import EncodedCorpus, encode_corpus
from harness.model.encoding import unreachable_spans
from harness.model.predict import merged_tags
from harness.model.recogniser import Predictions
from harness.values import names
from harness.values.account import Account
from harness.values.errors import DataError, first_line, shown
from harness.values.records import Sentence

logger = logging.getLogger(__name__)

MANIFEST = names.MANIFEST
FORMAT = 1


CPU = torch.device("cpu")

Encode = Callable[[Sequence[Sentence], Coder, int], EncodedCorpus]
"""Sentences, coder, overlap of windows → encoded corpus."""


def _encode(sentences: Sequence[Sentence], coder: Coder, overlap: int) -> EncodedCorpus:
    return encode_corpus(sentences, coder, overlap=overlap)


@dataclass(frozen=True)
class TrainedTagger:
    """A network with what is needed to use it: the recogniser that training makes and an exported folder holds.

    :param tags: the tag set, O first.
    :param overlap: pieces two windows of a long sentence share.
    :param bf16: predict in bfloat16 autocast, as in training; an exported model predicts in float32.
    :param threads: of torch while it predicts; as they are without it.
    :param encode: a process that predicts the same sentences often keeps them encoded.
    """

    network: Network
    coder: Coder
    tags: tuple[str, ...]
    card: EncoderCard
    max_length: int
    overlap: int
    device: torch.device = CPU
    bf16: bool = False
    threads: int | None = None
    encode: Encode = _encode

    @property
    def identity(self) -> str:
        """What its predictions depend on besides the sentences."""
        return f"{self.card.name} {self.coder.identity}"

    def predict(self, sentences: Sequence[Sentence]) -> Predictions:
        """Return the entities of each sentence; sentences of any length, also empty ones."""
        corpus = self.encode(sentences, self.coder, self.overlap)
        with thread_count(self.threads) if self.threads else nullcontext():
            tags = merged_tags(self.network, corpus, self.coder, self.tags, device=self.device, bf16=self.bf16)
        spans = tags.spans()
        account = Account({"windowed_sentences": corpus.windowed, "unseen_words": corpus.unseen_words})
        return Predictions(spans, account, tags.scores(spans))

    def unreachable(self, sentences: Sequence[Sentence]) -> dict[str, tuple[int, int]]:
        """Return for each language how many gold spans the encoder's words and pieces cannot express, and of how
        many.
        """
        corpus = self.encode(sentences, self.coder, self.overlap)
        counts: dict[str, tuple[int, int]] = {}
        for sentence, encoded in zip(corpus.sentences, corpus.encoded, strict=True):
            missed, spans = counts.get(sentence.language, (0, 0))
            counts[sentence.language] = (missed + unreachable_spans(sentence, encoded), spans + len(sentence.spans))
        return counts

    def save(self, folder: Path, **facts: Any) -> Path:
        """Write the model into a folder, the manifest last.

        :param facts: anything JSON-serialisable to keep in the manifest.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with disk_errors(folder):
            self.network.save(folder)
            self.coder.save(folder)
        local = Path(self.card.path or "").is_dir()  # a place of this machine is nobody's business
        manifest = {
            "format": FORMAT,
            "tags": list(self.tags),
            "encoder": self.card.model_dump(mode="json", exclude={"path"} if local else None),
            "max_length": self.max_length,
            "window_overlap": self.overlap,
            **facts,
            "files": {path.name: file_digest(path) for path in sorted(folder.iterdir()) if path.is_file()},
        }
        write_text(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
        return folder


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a model folder.

    :raises DataError: there is none, or it is of another format.
    """
    path = exported_manifest(folder)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON ({shown(str(error))[1:-1]})") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        stated = manifest.get("format") if isinstance(manifest, dict) else type(manifest).__name__
        raise DataError(f"{path}: format {shown(stated)}, this version reads {FORMAT}; export the run again")
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
    # The weights are in the folder, wherever they came from; a card must name a place.
    path = {"path": str(folder)} if isinstance(encoder, dict) and not encoder.get("package") else {}
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
    unlisted = sorted({weights.name for weights in folder.glob("*.safetensors")} - checked.files.keys())
    if not checked.files:
        logger.warning("%s is of an older export without digests: damage of its weights cannot be seen", folder)
    elif unlisted:
        raise DataError(f"{folder / MANIFEST}: files: no digest of {unlisted[0]}; export the run again")
    return checked


LARGEST_LAYER = 4_096
"""Units of a char-bilstm layer that can be meant; the largest takes some 600 MB."""


def load_tagger(folder: Path) -> TrainedTagger:
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
            raise DataError(f"{folder / WEIGHTS} cannot be loaded: {first_line(error)}") from error
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
    return TrainedTagger(
        network, coder, tags, card, manifest.max_length, min(manifest.window_overlap, coder.longest // 2)
    )
