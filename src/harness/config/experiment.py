"""The schema of a run: every key, its unit, its range and its only default."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from harness.config.data import DataCard, EncoderCard, Share, Strict
from harness.config.synthesis import SynthesisCard
from harness.config.transfer import AlignerCard, ProjectionCard, TranslatorCard

Part = Literal["source", "translated", "synthetic", "target"]


class MethodConfig(Strict):
    """A transfer method as a recipe: which training mixture, tested how. The named methods are presets."""

    name: str
    """Name in tables and in MLflow."""
    train: tuple[Part, ...]
    """Parts of the mixture: source gold, its translation into the target with projected entities, LLM-written target
    sentences, target gold (oracle)."""
    test: Literal["target", "translated"] = "target"
    """What is tagged at test time: the target text as it is, or its translation into the source language, from which
    the predicted spans are projected back onto the target text."""
    ratio: float | None = Field(default=None, ge=0.0)
    """Synthetic sentences per source gold sentence, for each target language; null takes all there are."""
    size: int | None = Field(default=None, ge=0)
    """Synthetic sentences for each target language, as a number instead of a ratio."""
    targets: Literal["joint", "separate"] = "joint"
    """One model trained for all targets, or one model for each."""
    dev: Literal["source", "synthetic", "target"] = "source"
    """What selects the checkpoint and stops training; target is an oracle's choice."""
    shortfall: Literal["stop", "use_all"] = "stop"
    """What to do when fewer synthetic sentences exist than asked for: stop, or use all there are (logged)."""
    languages: tuple[str, ...] | None = None
    """Target languages to train and test on; null takes all of the card."""
    projection: ProjectionCard = ProjectionCard()
    """How entities are carried over to a translation and back."""

    @model_validator(mode="after")
    def _possible(self) -> "MethodConfig":
        if not self.train or len(set(self.train)) != len(self.train):
            raise ValueError("train needs one or more different parts of source, translated, synthetic, target")
        if self.ratio is not None and self.size is not None:
            raise ValueError("ratio and size exclude each other; set one of them to null")
        if "synthetic" not in self.train and (self.ratio or self.size):
            raise ValueError(f"method {self.name} trains on no synthetic data, so ratio and size must be 0 or null")
        if self.train == ("synthetic",) and (self.ratio == 0 or self.size == 0):
            raise ValueError(f"method {self.name} with ratio or size 0 would train on nothing")
        if self.dev == "synthetic" and ("synthetic" not in self.train or self.ratio == 0 or self.size == 0):
            raise ValueError("dev: synthetic needs synthetic data in train")
        if self.test == "translated" and self.train != ("source",):
            raise ValueError("test: translated tags source-language text, so it trains on source alone")
        return self

    @property
    def translates(self) -> bool:
        """Whether a translator and an aligner take part."""
        return "translated" in self.train or self.test == "translated"

    @property
    def is_oracle(self) -> bool:
        """Whether target gold is seen in training or selection."""
        return "target" in self.train or self.dev == "target"


class TrainerConfig(Strict):
    """Training: all counts are optimizer steps or epochs as named, all sizes sentences or subwords."""

    max_epochs: int | None = Field(default=None, ge=1)
    """Passes over the training mixture at most; null takes the encoder card's."""
    batch_size: int = Field(default=32, ge=1)
    """Sentences (windows of long ones) per optimizer step and device."""
    token_budget: int | None = Field(default=None, ge=1)
    """Padded subwords per step instead of batch_size: long sentences make small batches."""
    accumulate_batches: int = Field(default=1, ge=1)
    """Batches whose gradients are added before a step."""
    learning_rate: float | None = Field(default=None, gt=0)
    """Peak learning rate; null takes the encoder card's."""
    weight_decay: float = Field(default=0.01, ge=0)
    """AdamW weight decay, not on biases and normalisation."""
    warmup_share: Share = 0.1
    """Share of all steps in which the learning rate rises linearly; it then falls linearly to 0."""
    gradient_clip: float = Field(default=1.0, ge=0)
    """Largest norm of the gradient; 0 clips nothing."""
    patience: int | None = Field(default=3, ge=1)
    """Epochs without a better dev score before training stops; null trains max_epochs."""
    max_length: int = Field(default=256, ge=16)
    """Subwords in a window, special ones included; bounded by the encoder's own limit."""
    window_overlap: int = Field(default=64, ge=0)
    """Subwords two neighbouring windows of a long sentence share."""
    precision: Literal["auto", "32", "bf16"] = "auto"
    """auto: bf16 autocast where processor and encoder have it, else float32."""
    deterministic: bool = True
    """Ask torch for deterministic kernels."""
    accelerator: Literal["auto", "cpu", "gpu", "mps"] = "auto"
    """Lightning's accelerator."""
    devices: int = Field(default=1, ge=1)
    """Devices to train on (data parallel)."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of this process; null takes all cores it may use."""

    @model_validator(mode="after")
    def _windows_advance(self) -> "TrainerConfig":
        if self.window_overlap > self.max_length // 2:
            raise ValueError(
                f"window_overlap {self.window_overlap} must be at most half of max_length {self.max_length}"
            )
        return self


class TrackingConfig(Strict):
    """Where runs are recorded."""

    uri: str | None = None
    """MLflow tracking URI; null takes $MLFLOW_TRACKING_URI, else sqlite:///mlruns/mlflow.db here."""
    experiment: str = "harness"
    """MLflow experiment; a sweep uses its own name."""
    checkpoints: Literal["all", "best", "none"] = "all"
    """Which runs keep their checkpoint: all; of a sweep the best on source dev for each method; none."""
    predictions: bool = True
    """Store the predictions on the test sets (never for a restricted corpus)."""
    system_metrics: bool = True
    """Sample processor, memory and GPU use while a run trains."""


NO_TRANSLATOR = TranslatorCard(name="none", kind="none")
NO_ALIGNER = AlignerCard(name="none", kind="none")


class Config(Strict):
    """One experiment."""

    data: DataCard
    """The corpus: a card of configs/data."""
    encoder: EncoderCard
    """The encoder: a card of configs/encoder."""
    method: MethodConfig
    """The transfer method: a preset of configs/method."""
    translator: TranslatorCard = NO_TRANSLATOR
    """The translation engine of the translation methods; others leave it out, whatever is chosen."""
    aligner: AlignerCard = NO_ALIGNER
    """The word aligner of the translation methods; others leave it out, whatever is chosen."""
    synthesis: SynthesisCard = SynthesisCard(name="none")
    """How synthetic sentences are generated: used by harness synthesize, recorded by runs."""
    trainer: TrainerConfig = TrainerConfig()
    """Training settings."""
    tracking: TrackingConfig = TrackingConfig()
    """Recording settings."""
    seed: int = Field(default=1, ge=0, lt=2**32)
    """Seed of weights, batches, dropout and subsets."""
    protocol: Literal["zero_shot", "oracle"] = "zero_shot"
    """zero_shot: target gold is only ever tested on. oracle: it may select; tagged and shown in every table."""
    data_folder: Path | None = Field(default=None, exclude=True)
    """Folder of the data card, set when the configuration is composed."""

    @model_validator(mode="after")
    def _only_what_takes_part(self) -> "Config":
        """Leave translator and aligner out of methods without them, so that equal runs look equal."""
        if not self.method.translates and (self.translator.kind, self.aligner.kind) != ("none", "none"):
            return self.model_copy(update={"translator": NO_TRANSLATOR, "aligner": NO_ALIGNER})
        return self

    @model_validator(mode="after")
    def _possible(self) -> "Config":
        if self.method.translates and "none" in (self.translator.kind, self.aligner.kind):
            raise ValueError(
                f"method {self.method.name} needs a translator and an aligner; "
                "choose them with translator=… and aligner=… (see docs/configuration.md)"
            )
        if self.method.translates and self.data.restricted and self.translator.leaves_machine:
            raise ValueError(
                f"translator {self.translator.name} sends text to another machine and {self.data.name} is restricted; "
                "use a local engine (seq2seq, ctranslate2, apertium, file)"
            )
        if self.method.dev == "target" and self.protocol != "oracle":
            raise ValueError("method.dev: target selects on target gold; this needs protocol: oracle")
        unknown = set(self.method.languages or ()) - set(self.data.targets)
        if unknown:
            raise ValueError(
                f"method.languages: {sorted(unknown)} are not targets of {self.data.name}; "
                f"allowed {sorted(self.data.targets)}"
            )
        return self

    @property
    def targets(self) -> tuple[str, ...]:
        """Target languages of this run, in the order of the card."""
        chosen = self.method.languages
        return tuple(tag for tag in self.data.targets if chosen is None or tag in chosen)

    @property
    def effective_protocol(self) -> str:
        """``oracle`` where target gold is seen in training or selection, whatever was asked for."""
        return "oracle" if self.method.is_oracle else self.protocol

    @property
    def learning_rate(self) -> float:
        """Peak learning rate: the trainer's, else the encoder card's."""
        return self.trainer.learning_rate or self.encoder.learning_rate

    @property
    def max_epochs(self) -> int:
        """Epochs: the trainer's, else the encoder card's."""
        return self.trainer.max_epochs or self.encoder.max_epochs
