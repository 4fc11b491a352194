"""The schema of a run: every key, its unit, its range and its only default."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from harness.config.data import DataCard
from harness.config.encoder import EncoderCard
from harness.config.method import MethodConfig
from harness.config.strict import Strict
from harness.config.synthesis import SynthesisCard
from harness.config.training import TrainerConfig
from harness.config.transfer import AlignerCard, TranslatorCard


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
    state_seconds: float = Field(default=30, ge=0)
    """Seconds from one full state of a training to the next, at least; a killed run goes on from the last one. 0 writes
    one before every step."""


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
