"""What one training is, resolved once and frozen; and who watches it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.config import EncoderCard, TrainerConfig
from harness.values.labels import tag_names
from harness.values.records import Sentence, Span

ScoreDev = Callable[[list[tuple[Span, ...]]], dict[str, float]]
"""From the predicted spans of the dev set to measures; ``entity_f1`` selects. With several devices it is pickled."""

OnEpoch = Callable[[int, dict[str, float]], None]
"""Called after each epoch (from 1) with its loss and dev measures; may raise to stop the run."""


@dataclass(frozen=True)
class TrainingPlan:
    """What is trained and how.

    :param labels: entity labels, in the order of the network's classes.
    :param learning_rate: peak of the schedule.
    :param seed: of initial weights, order and dropout.
    """

    encoder: EncoderCard
    labels: tuple[str, ...]
    settings: TrainerConfig
    learning_rate: float
    max_epochs: int
    seed: int

    @property
    def tags(self) -> tuple[str, ...]:
        """The tag set, O first."""
        return tag_names(self.labels)

    def identity(self) -> dict[str, Any]:
        """Return what the trained weights depend on besides the data, JSON-serialisable."""
        return {
            "encoder": self.encoder.model_dump(mode="json"),
            "labels": list(self.labels),
            "settings": self.settings.model_dump(mode="json"),
            "learning_rate": self.learning_rate,
            "max_epochs": self.max_epochs,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class TrainingData:
    """Sentences to learn from, sentences to select on, and what scores the latter."""

    train: Sequence[Sentence]
    dev: Sequence[Sentence]
    score_dev: ScoreDev


def _ignore(*_: object) -> None:
    """Hear of something and do nothing."""


@dataclass(frozen=True)
class Watch:
    """Who is told how a training goes.

    :param on_start: told the id of the run as soon as it is open.
    :param progress: show a bar.
    :param state_seconds: seconds from one full-state checkpoint to the next; 0 writes one before every step.
    """

    on_start: Callable[[str], None] = _ignore
    on_epoch: OnEpoch = _ignore
    progress: bool = False
    state_seconds: float = 30.0
