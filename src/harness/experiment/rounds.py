"""Training in rounds: each gives a recogniser. Today a round is a model; self-training will go round more than once."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness.evaluation.measures import measure, measures
from harness.evaluation.spans import count_spans
from harness.experiment.prepare import Prepared
from harness.model.plan import Evaluation, OnEvaluation, TrainingData, Watch, Watched
from harness.model.train import Trained, train
from harness.transfer.mixture import Mixture
from harness.values import names
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
        data = TrainingData(mixture.train, mixture.dev, dev_scorer(prepared, mixture), watched(prepared, mixture))
        trained = train(prepared.plan, data, memory=prepared.encoders, folder=place, watch=watch(part, number == 0))
        yield Round(part, mixture, trained)


def dev_scorer(prepared: Prepared, mixture: Mixture) -> Callable[[list[tuple[Span, ...]]], dict[str, float]]:
    """Return what scores dev predictions; the selection and all measures of the dev set come from it."""
    return partial(_score_dev, [sentence.spans for sentence in mixture.dev], prepared.config.data.labels)


def watched(prepared: Prepared, mixture: Mixture) -> tuple[Watched, ...]:
    """Return what is scored at every evaluation for curves: nothing unless ``tracking.proxies`` is every.

    Target dev is among it where the card has one and it does not judge: a curve to measure the proxies against.
    """
    if prepared.config.tracking.proxies != "every":
        return ()
    corpora = [proxy.corpus for proxy in prepared.judges(mixture) if proxy.route is None]
    corpora += [corpus for corpus in prepared.tests(mixture) if corpus.split == "dev"]
    return tuple(
        Watched(
            corpus.sentences,
            partial(
                _score_curve, names.curve(corpus.split, corpus.language),
                [sentence.spans for sentence in corpus.sentences],
            ),
        )
        for corpus in corpora
    )  # fmt: skip


def _score_curve(name: str, gold: list[tuple[Span, ...]], predicted: list[tuple[Span, ...]]) -> dict[str, float]:
    return {name: float(measure("entity_f1", count_spans(gold, predicted).summed()))}


def _score_dev(
    gold: list[tuple[Span, ...]], labels: tuple[str, ...], predicted: list[tuple[Span, ...]]
) -> dict[str, float]:
    return measures(count_spans(gold, predicted, labels), labels)


def joined(watch: Watch, report: OnEvaluation, first: bool) -> Watch:
    """Return a watch that reports each evaluation, and tells whoever prunes of the first model only."""

    def on_evaluation(evaluation: Evaluation) -> None:
        report(evaluation)
        if first:
            watch.on_evaluation(evaluation)

    return replace(watch, on_evaluation=on_evaluation)
