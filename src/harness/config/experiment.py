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
    """Which runs keep their checkpoint: all; of a sweep, for each method, the one that ``export best`` would choose;
    none."""
    proxies: Literal["none", "last", "every"] = "last"
    """Label-free scores in the target languages, on translated and on held-out synthetic sentences: none; of the model
    that is kept; at every evaluation too, with target dev where the card has it (curves for harness compare --proxies,
    which select nothing)."""
    predictions: bool = True
    """Store the predictions on the test sets (never for a restricted corpus)."""
    system_metrics: bool = True
    """Sample processor, memory and GPU use while a run trains."""
    state_seconds: float = Field(default=30, ge=0)
    """Seconds from one full state of a training to the next, at least; a killed run goes on from the last one. 0 writes
    one before every step."""


class LeaksConfig(Strict):
    """What happens where test sentences stand in the training mixture: the same texts, or parts of longer ones."""

    bound: float = Field(default=0.01, ge=0, le=1)
    """Largest share of a test set, 0..1, that may be found in the training mixture; above it a run stops. Public
    corpora as they are were seen to share up to 0.8 % of a test set with their own training set."""
    allow: tuple[str, ...] = ()
    """Test sets that may exceed it, as LANGUAGE.test; what was found is tagged on the run and shown in tables."""


class SeedsConfig(Strict):
    """Seeds apart, so that a spread can be traced to its cause; null takes ``seed``."""

    data: int | None = Field(default=None, ge=0, lt=2**32)
    """Which synthetic sentences are drawn, and which source sentences stay (method.fill)."""
    init: int | None = Field(default=None, ge=0, lt=2**32)
    """Initial weights: of the classifier, of everything for an encoder trained from scratch."""
    order: int | None = Field(default=None, ge=0, lt=2**32)
    """Order of the sentences, and dropout."""


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
    """Seed of everything: subsets, initial weights, batches and dropout."""
    seeds: SeedsConfig = SeedsConfig()
    """Seeds that shall differ from it."""
    leaks: LeaksConfig = LeaksConfig()
    """Test sentences in the training mixture."""
    protocol: Literal["zero_shot", "oracle"] = "zero_shot"
    """zero_shot: target gold is only ever tested on. oracle: it may select; tagged and shown in every table."""
    data_folder: Path | None = Field(default=None, exclude=True)
    """Folder of the data card, set when the configuration is composed."""

    named_translator: TranslatorCard = Field(default=NO_TRANSLATOR, exclude=True)
    """The translator as it was chosen, for the proxies of methods without translation; set by itself."""
    named_aligner: AlignerCard = Field(default=NO_ALIGNER, exclude=True)
    """The aligner likewise."""

    @model_validator(mode="after")
    def _only_what_takes_part(self) -> "Config":
        """Leave translator and aligner out of methods without them, so that equal runs look equal."""
        named = {"named_translator": self.translator, "named_aligner": self.aligner}
        if (self.translator.kind, self.aligner.kind) == ("none", "none"):
            return self
        if not self.method.translates:
            named |= {"translator": NO_TRANSLATOR, "aligner": NO_ALIGNER}
        return self.model_copy(update=named)

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
        tests = {f"{language}.test" for language in self.data.languages}
        if not tests >= set(self.leaks.allow):
            raise ValueError(
                f"leaks.allow: {sorted(set(self.leaks.allow) - tests)} are no test sets of {self.data.name}; "
                f"allowed {sorted(tests)}"
            )
        unknown = set(self.method.languages or ()) - set(self.data.targets)
        if unknown:
            raise ValueError(
                f"method.languages: {sorted(unknown)} are not targets of {self.data.name}; "
                f"allowed {sorted(self.data.targets)}"
            )
        return self

    def __eq__(self, other: object) -> bool:
        """Compare what runs: engines that are remembered for proxies alone make no other experiment."""
        if not isinstance(other, Config):
            return NotImplemented
        return (self.model_dump(), self.data_folder) == (other.model_dump(), other.data_folder)

    __hash__ = Strict.__hash__

    @property
    def targets(self) -> tuple[str, ...]:
        """Target languages of this run, in the order of the card."""
        chosen = self.method.languages
        return tuple(tag for tag in self.data.targets if chosen is None or tag in chosen)

    @property
    def dev_name(self) -> str:
        """What the dev set that judges the model is called in the place of a language."""
        return self.method.dev_name(self.data.source.language, self.targets)

    @property
    def effective_protocol(self) -> str:
        """``oracle`` where target gold is seen in training or selection, whatever was asked for."""
        return "oracle" if self.method.is_oracle else self.protocol

    @property
    def resolved_seeds(self) -> dict[str, int]:
        """Seeds of ``data``, ``init`` and ``order``: their own where given, else the common one."""
        own = self.seeds.model_dump()
        return {name: self.seed if value is None else value for name, value in own.items()}

    @property
    def learning_rate(self) -> float:
        """Peak learning rate: the trainer's, else the encoder card's."""
        return self.trainer.learning_rate or self.encoder.learning_rate

    @property
    def warmup_share(self) -> float:
        """Share of the steps in which the learning rate rises: the trainer's, else the encoder card's."""
        own = self.trainer.warmup_share
        return self.encoder.warmup_share if own is None else own

    @property
    def max_epochs(self) -> int:
        """Epochs: the trainer's, else the encoder card's."""
        return self.trainer.max_epochs or self.encoder.max_epochs
