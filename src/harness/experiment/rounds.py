"""Training in rounds: each gives a recogniser. Today a round is a model; self-training will go round more than once."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness.evaluation.measures import measures
from harness.evaluation.spans import count_spans
from harness.experiment.prepare import Prepared
from harness.model.plan import OnEpoch, TrainingData, Watch
from harness.model.train import Trained, train
from harness.transfer.mixture import Mixture
from harness.values.records import Span

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Round:
    """One trained recogniser.

    :param part: its name where an experiment trains several models, else empty.
    """

    part: str
    mixture: Mixture
    trained: Trained


def rounds(prepared: Prepared, watch: Callable[[str, bool], Watch], folder: Path) -> Iterator[Round]:
    """Train one model after another.

    :param watch: gives who watches a training, by the model's name and whether it is the first.
    :param folder: for the weights and states of the trainings, until all of them are done.
    """
    for number, mixture in enumerate(prepared.mixtures):
        part = prepared.part(mixture)
        place = folder / (part or "model")
        place.mkdir(parents=True, exist_ok=True)
        data = TrainingData(mixture.train, mixture.dev, dev_scorer(prepared, mixture))
        trained = train(prepared.plan, data, memory=prepared.encoders, folder=place, watch=watch(part, number == 0))
        yield Round(part, mixture, trained)


def dev_scorer(prepared: Prepared, mixture: Mixture) -> Callable[[list[tuple[Span, ...]]], dict[str, float]]:
    """Return what scores dev predictions; the selection and all measures of the dev set come from it."""
    return partial(_score_dev, [sentence.spans for sentence in mixture.dev], prepared.config.data.labels)


def _score_dev(
    gold: list[tuple[Span, ...]], labels: tuple[str, ...], predicted: list[tuple[Span, ...]]
) -> dict[str, float]:
    return measures(count_spans(gold, predicted, labels), labels)


def joined(watch: Watch, report: OnEpoch, first: bool) -> Watch:
    """Return a watch that reports each epoch, and tells whoever prunes of the first model only."""

    def on_epoch(epoch: int, values: dict[str, float]) -> None:
        report(epoch, values)
        if first:
            watch.on_epoch(epoch, values)

    return replace(watch, on_epoch=on_epoch)
