"""What one training is, resolved once and frozen; and who watches it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.config import Config, EncoderCard, TrainerConfig
from harness.values.labels import tag_names
from harness.values.records import Sentence, Span

ScoreDev = Callable[[list[tuple[Span, ...]]], dict[str, float]]
"""From the predicted spans of some sentences to measures. With several devices it is pickled."""


@dataclass(frozen=True)
class Evaluation:
    """What one scoring of the dev set in the course of a training has seen.

    :param number: from 1.
    :param step: optimizer steps done.
    :param steps: optimizer steps of the whole training.
    :param epoch: passes over the mixture, as a fraction within one.
    :param loss: mean training loss since the former evaluation.
    :param measures: of the dev set, 0..1; ``entity_f1`` selects.
    :param watched: further scores under their full names, for curves alone.
    """

    number: int
    step: int
    steps: int
    epoch: float
    loss: float
    measures: dict[str, float]
    watched: dict[str, float] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """The dev score that selects."""
        return self.measures["entity_f1"]


OnEvaluation = Callable[[Evaluation], None]
"""Called after each evaluation; may raise to stop the run."""


@dataclass(frozen=True)
class TrainingPlan:
    """What is trained and how.

    :param labels: entity labels, in the order of the network's classes.
    :param learning_rate: peak of the schedule.
    :param warmup_share: share of the steps in which the rate rises to it.
    :param max_steps: optimizer steps; without them the schedule is laid over ``max_epochs``.
    :param init_seed: of initial weights.
    :param order_seed: of the order of sentences, and of dropout.
    """

    encoder: EncoderCard
    labels: tuple[str, ...]
    settings: TrainerConfig
    learning_rate: float
    warmup_share: float
    max_epochs: int
    max_steps: int | None
    init_seed: int
    order_seed: int

    @classmethod
    def of(cls, config: Config) -> "TrainingPlan":
        """Return the plan of every model of an experiment."""
        seeds = config.resolved_seeds
        return cls(
            config.encoder, config.data.labels, config.trainer, config.learning_rate, config.warmup_share,
            config.max_epochs, config.trainer.max_steps, seeds["init"], seeds["order"],
        )  # fmt: skip

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
            "warmup_share": self.warmup_share,
            "max_epochs": None if self.max_steps or self.settings.max_tokens else self.max_epochs,
            "max_steps": self.max_steps,
            "seeds": [self.init_seed, self.order_seed],
        }


@dataclass(frozen=True)
class Watched:
    """A labelled corpus that is scored at each evaluation.

    :param score: gives scores under their full names.
    """

    sentences: Sequence[Sentence]
    score: ScoreDev


@dataclass(frozen=True)
class TrainingData:
    """Sentences to learn from, sentences to select on, and what scores the latter.

    :param watched: more sentences to score at each evaluation, for curves; nothing rests on them.
    """

    train: Sequence[Sentence]
    dev: Sequence[Sentence]
    score_dev: ScoreDev
    watched: Sequence[Watched] = ()

    @property
    def dev_is_learned(self) -> bool:
        """Whether a model of these sentences can be judged by this dev set: it has seen a language of it."""
        return bool({sentence.language for sentence in self.dev} & {sentence.language for sentence in self.train})


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
    on_evaluation: OnEvaluation = _ignore
    progress: bool = False
    state_seconds: float = 30.0
