"""The settings of training."""

from typing import Literal

from pydantic import Field, model_validator

from harness.config.strict import Share, Strict


class TrainerConfig(Strict):
    """Training: all counts are optimizer steps or epochs as named, all sizes sentences or subwords."""

    max_epochs: int | None = Field(default=None, ge=1)
    """Passes over the training mixture; null takes the encoder card's."""
    max_steps: int | None = Field(default=None, ge=1)
    """Optimizer steps, whatever the size of the mixture; where given, max_epochs has no part."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Subwords to see, without padding and special ones, instead of a number of steps; where given, max_epochs has no
    part."""
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
    warmup_share: Share | None = None
    """Share of all steps in which the learning rate rises linearly; it then falls linearly to 0. null takes the encoder
    card's."""
    gradient_clip: float = Field(default=1.0, ge=0)
    """Largest norm of the gradient; 0 clips nothing."""
    evaluations: int = Field(default=10, ge=1)
    """Times the dev set is scored, at equal shares of the steps; the last time at their end."""
    selection: Literal["best", "last", "average"] = "last"
    """Which weights are kept: those of the evaluation with the best dev score, the last ones, or the mean of the
    weights of the last average_last evaluations (Schmidt et al. 2023, https://arxiv.org/abs/2305.16834)."""
    average_last: int = Field(default=5, ge=2)
    """Evaluations whose weights selection: average takes the mean of."""
    patience: int | None = Field(default=None, ge=1)
    """Evaluations without a better dev score before training stops; null lets the schedule complete."""
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
    def _possible(self) -> "TrainerConfig":
        if self.window_overlap > self.max_length // 2:
            raise ValueError(
                f"window_overlap {self.window_overlap} must be at most half of max_length {self.max_length}"
            )
        if self.max_steps and self.max_tokens:
            raise ValueError("max_steps and max_tokens exclude each other; set one of them to null")
        if self.selection == "average" and self.patience is not None:
            raise ValueError("selection: average needs the whole schedule; set patience to null")
        return self
