"""The method: which parts make the training mixture, what selects, and what is tagged at test time."""

from typing import Literal

from pydantic import Field, model_validator

from harness.config.strict import Strict
from harness.config.transfer import ProjectionCard

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
    fill: Literal["add", "replace", "upsample"] = "add"
    """What synthetic sentences do to the size of the mixture. add: they come to the others; replace: as many of the
    others leave; upsample: they stay out, and the others are repeated to the size that add has (a control)."""
    dev: Literal["auto", "source", "translated", "synthetic", "target"] = "auto"
    """What judges the model while it trains. auto: a dev set composed as the mixture is, of data that is not trained
    on; the others take one part alone. target is an oracle's choice."""
    hold_out: float = Field(default=0.1, ge=0, lt=0.5)
    """Share of each synthetic corpus that nothing trains on, whatever the ratio, where the card has no synthetic_dev;
    likewise of a translated training set without translated_dev, of target gold without dev."""
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
        if self.dev == "synthetic" and "synthetic" not in self.parts:
            raise ValueError("dev: synthetic needs synthetic data in train")
        if self.dev == "translated" and "translated" not in self.train:
            raise ValueError("dev: translated needs translated data in train")
        if self.fill != "add" and "synthetic" not in self.train:
            raise ValueError(f"fill: {self.fill} is about synthetic data, and method {self.name} trains on none")
        if self.fill != "add" and self.train == ("synthetic",):
            raise ValueError(f"fill: {self.fill} needs other data beside the synthetic")
        if self.test == "translated" and self.train != ("source",):
            raise ValueError("test: translated tags source-language text, so it trains on source alone")
        return self

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of the mixture that hold sentences: ratio 0, or ``fill: upsample``, leaves synthetic ones out."""
        empty = self.ratio == 0 or self.size == 0 or self.fill == "upsample"
        return tuple(part for part in self.train if part != "synthetic" or not empty)

    @property
    def dev_parts(self) -> tuple[Part, ...]:
        """The parts the dev set is composed of."""
        return self.parts if self.dev == "auto" else (self.dev,)

    def dev_name(self, source: str, targets: tuple[str, ...]) -> str:
        """Return what the dev set is called in the place of a language."""
        if len(self.dev_parts) > 1:
            return "mixture"
        return {"source": source, "target": "-".join(targets)}.get(self.dev_parts[0], self.dev_parts[0])

    @property
    def translates(self) -> bool:
        """Whether a translator and an aligner take part."""
        return "translated" in self.train or self.test == "translated"

    @property
    def is_oracle(self) -> bool:
        """Whether target gold is seen in training or selection."""
        return "target" in self.train or self.dev == "target"
