"""One experiment, the stages in order: corpora → transfer → model → evaluation → tracking.

This is the file to read first, and the only one that joins stages. ``run_experiment`` is what ``harness run``
calls once and a sweep calls many times.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from harness.config import Config
from harness.config.strict import resolve_path
from harness.corpora.catalogue import Catalogue, load_corpora
from harness.corpora.splits import nested_subset
from harness.evaluation.measures import LABEL_MEASURES, MEASURES, mean_over_languages, measures, named
from harness.evaluation.significance import bootstrap_interval
from harness.evaluation.spans import count_spans
from harness.experiment.identity import data_params, needed_splits
from harness.experiment.record import (
    checkpoint_facts,
    data_metrics,
    predictions_text,
    projection_metrics,
    projection_names,
    run_name,
    run_params,
    run_tags,
    saved_config,
    synthesis_metrics,
    unreachable_metrics,
)
from harness.machine.locks import scratch_folder
from harness.machine.provenance import file_digest
from harness.machine.store import DiskStore, MemoryStore
from harness.model.workshop import FittedModel, Workshop
from harness.synthesis.card import card_path, read_card
from harness.tracking.run import Run
from harness.tracking.store import CHECKPOINT, Store, tracking_uri
from harness.transfer.mixture import Mixture, mixtures
from harness.transfer.routes import BackRoute, Routes, prepare_routes
from harness.values.errors import ConfigError, DataError, text_withheld
from harness.values.records import Corpus, Span

logger = logging.getLogger(__name__)

__all__ = ["LABEL_MEASURES", "MEASURES", "Result", "Warm", "run_experiment"]

OnEpoch = Callable[[int, dict[str, float]], None]

MODEL_METRICS = (
    "model/parameters_millions", "model/encoder_parameters_millions", "model/size_mb", "train/seconds",
    "train/sentences_per_second", "train/best_dev_entity_f1",
)  # fmt: skip
"""Reported for the run as a whole too, where it trains several models."""


class Warm:
    """What one process keeps from experiment to experiment: corpora, tokenised text, pretrained weights."""

    def __init__(self) -> None:
        self.workshop = Workshop()
        self._catalogues: dict[tuple[object, ...], Catalogue] = {}
        self._routes: dict[tuple[object, ...], Routes] = {}

    def catalogue(self, config: Config, wanted: Sequence[tuple[str, str]]) -> Catalogue:
        """Return the corpora of a card, read once."""
        folder = config.data_folder or Path.cwd()
        key = (config.data.model_dump_json(), folder, tuple(sorted(set(wanted))))
        if key not in self._catalogues:
            self._catalogues[key] = load_corpora(config.data, folder, wanted)
        return self._catalogues[key]

    def routes(self, config: Config, catalogue: Catalogue) -> Routes:
        """Return what the translation methods need, made once for all encoders, ratios and seeds."""
        if not config.method.translates:
            return Routes()
        folder = Path.cwd()  # as on any command line; only a data card's own files start from its folder
        method = config.method
        parts = (config.data, config.translator, config.aligner, method.projection)
        key = (*(part.model_dump_json() for part in parts), folder, config.targets, method.train, method.test)
        if key not in self._routes:
            self._routes[key] = prepare_routes(
                config, catalogue.corpora, folder, MemoryStore() if config.data.restricted else DiskStore()
            )
        return self._routes[key]


@dataclass(frozen=True)
class Result:
    """What an experiment came to.

    :param metrics: everything logged to MLflow, last values.
    """

    run_id: str
    metrics: dict[str, float]
    params: dict[str, str]
    collapsed: str
    tags: dict[str, str] = field(default_factory=dict)


def run_experiment(
    config: Config,
    *,
    command: str,
    warm: Warm | None = None,
    parent: str | None = None,
    tags: Mapping[str, str] | None = None,
    on_start: Callable[[str], None] | None = None,
    on_epoch: OnEpoch | None = None,
    progress: bool = False,
) -> Result:
    """Run one experiment and record it.

    :param command: the line that repeats it, for the tag ``harness.command``.
    :param warm: keeps tokenised corpora and pretrained weights from one experiment to the next.
    :param parent: run id of the sweep this is a trial of.
    :param on_start: told the run id as soon as the run is open.
    :param on_epoch: sees the dev measures of each epoch (of the first model) and may raise to prune.
    :raises HarnessError: with one sentence that says what went wrong; the run in MLflow is closed as FAILED.
    """
    withheld = partial(text_withheld, config.data.name, restricted=config.data.restricted)
    with withheld():
        warm = warm or Warm()
        warm.workshop.use_disk = not config.data.restricted
        # Before a run is opened: bad input leaves no trace.
        described = run_tags(config, command) | dict(tags or {})
        catalogue, routes, mixed = prepare(config, warm)
        cards = synthesis_cards(config, mixed)
        warm.workshop.load(config.encoder, config.data.labels, config.trainer)
        store = Store(tracking_uri(config.tracking))
        opened = Run(store, config.tracking.experiment, name=run_name(config), tags=described, parent=parent)
        with opened as run, withheld():  # inside too: the run keeps the reason of its failure
            if on_start:
                on_start(run.run_id)
            params = run_params(config) | data_params(config, catalogue.corpora, routes.corpora())
            run.log_params(params)
            run.log_json("config.json", saved_config(config))
            run.log_corpora([*{**catalogue.corpora, **routes.corpora()}.values()])
            if config.tracking.system_metrics:
                run.start_system_metrics()
            for language, card in cards.items():
                run.log_json(f"synthesis/{language}.card.json", card)
            metrics = data_metrics(catalogue, mixed) | projection_metrics(routes) | synthesis_metrics(cards)
            run.log_metrics(metrics)
            found, collapsed = train_and_score(config, catalogue, routes, mixed, warm, run, on_epoch, progress)
            kept = "none" if config.tracking.checkpoints == "none" else "kept"
            run.set_tags({"harness.checkpoint": kept} | ({"harness.collapsed": collapsed} if collapsed else {}))
            run.log_metrics(found)
        return Result(run.run_id, metrics | found, params, collapsed, described)


def prepare(config: Config, warm: Warm) -> tuple[Catalogue, Routes, list[Mixture]]:
    """Read the corpora a configuration needs, translate where the method does, and mix each model's training data.

    :raises HarnessError: a file is missing or malformed, or the recipe cannot be followed.
    """
    if not config.targets:
        raise ConfigError(f"data.targets: {config.data.name} names no target language")
    catalogue = warm.catalogue(config, needed_splits(config))
    routes = warm.routes(config, catalogue)
    mixed = mixtures(
        config.method,
        {**catalogue.corpora, **routes.corpora()},
        source=config.data.source.language,
        targets=config.targets,
        seed=config.seed,
        subset=nested_subset,
    )
    return catalogue, routes, mixed


def train_and_score(
    config: Config,
    catalogue: Catalogue,
    routes: Routes,
    mixed: Sequence[Mixture],
    warm: Warm,
    run: Run,
    on_epoch: OnEpoch | None,
    progress: bool,
) -> tuple[dict[str, float], str]:
    """Train each model, score it on its languages, store predictions and checkpoints.

    :returns: metrics, and why the run counts as collapsed (empty for a sound one).
    """
    scores: dict[tuple[str, str], list[dict[str, float]]] = {}
    metrics: dict[str, float] = {}
    collapsed: list[str] = []
    unreachable: dict[tuple[str, str], tuple[int, int]] = {}
    for number, mixture in enumerate(mixed):
        several = len(mixed) > 1
        part = "-".join(mixture.targets) if several else ""
        prefix = f"{part}/" if several else ""

        epochs: list[dict[str, float]] = []

        def report(
            epoch: int,
            values: dict[str, float],
            prefix: str = prefix,
            number: int = number,
            epochs: list[dict[str, float]] = epochs,
        ) -> None:
            epochs.append(values)
            curve = {
                f"{prefix}train/loss": values["loss"],
                f"{prefix}train/dev_entity_f1": values["entity_f1"],
            }
            run.log_metrics(curve, step=epoch)
            logger.info(
                "%sepoch %d: loss %.3f, dev entity F1 %.3f",
                prefix,
                epoch,
                values["loss"],
                values["entity_f1"],
            )
            if on_epoch and number == 0:
                on_epoch(epoch, values)

        with scratch_folder() as scratch:
            model = warm.workshop.fit(
                config.encoder,
                config.data.labels,
                mixture.train,
                mixture.dev,
                settings=config.trainer,
                learning_rate=config.learning_rate,
                max_epochs=config.max_epochs,
                seed=config.seed,
                score_dev=dev_scorer(mixture, catalogue),
                on_epoch=report,
                scratch=scratch,
                progress=progress,
            )
            metrics |= {f"{prefix}{key}": value for key, value in model.metrics.items()}
            chosen = epochs[max(0, model.training.best_epoch - 1)]
            scores.setdefault(("dev", mixture.dev_name), []).append(
                {name: value for name, value in chosen.items() if name != "loss"}
            )
            if model.collapsed:
                collapsed.append(f"{prefix}{model.collapsed}")
            scored_corpora = tested(config, catalogue, mixture)
            unreachable |= out_of_reach(model, mixture, [one for one in scored_corpora if not routed(one, routes)])
            for corpus in scored_corpora:
                scored, projected = score(corpus, model, run, config, part, routes)
                scores.setdefault((corpus.split, corpus.language), []).append(scored)
                metrics |= projected
            if config.tracking.checkpoints != "none":
                folder = model.save(scratch / "model", **checkpoint_facts(config, run.run_id))
                run.log_folder(folder, f"{CHECKPOINT}/{part}" if several else CHECKPOINT)
    metrics |= unreachable_metrics(unreachable)
    metrics |= {"model/count": float(len(mixed)), "train/collapsed": float(bool(collapsed))}
    if len(mixed) > 1:  # seconds add up, sizes and scores of one model are comparable with other runs
        for name in MODEL_METRICS:
            values = [metrics[f"{'-'.join(mixture.targets)}/{name}"] for mixture in mixed]
            metrics[name] = sum(values) if name == "train/seconds" else sum(values) / len(values)
    return metrics | summary(scores, config.targets), "; ".join(collapsed)


def tested(config: Config, catalogue: Catalogue, mixture: Mixture) -> list[Corpus]:
    """Return the corpora a model is scored on: source test, the tests of its targets, and devs that did not select."""
    source = config.data.source.language
    splits = ("test",) if config.method.test == "translated" else ("test", "dev")  # tests alone are translated
    wanted = [(source, "test"), *((target, split) for target in mixture.targets for split in splits)]
    selecting = {(target, "dev") for target in mixture.targets if config.method.dev == "target"}
    return [catalogue.corpora[key] for key in wanted if key in catalogue.corpora and key not in selecting]


def routed(corpus: Corpus, routes: Routes) -> BackRoute | None:
    """Return the way back from a test set's translation, where that is what gets tagged."""
    return routes.testing.get(corpus.language) if corpus.split == "test" else None


def out_of_reach(
    model: FittedModel, mixture: Mixture, scored: Sequence[Corpus]
) -> dict[tuple[str, str], tuple[int, int]]:
    """Count the entities that the encoder's words and pieces cannot express, and say so above 1 %.

    :param scored: corpora that are tagged as they are.
    :returns: (language, split) → unreachable entities, all entities.
    """
    found: dict[tuple[str, str], tuple[int, int]] = {}
    splits = [("train", mixture.train), ("dev", mixture.dev), *((one.split, one.sentences) for one in scored)]
    for split, sentences in splits:
        for language, (missed, spans) in model.unreachable(sentences).items():
            found[(language, split)] = (missed, spans)
            if missed > 0.01 * spans:
                logger.warning(
                    "%s %s: %d of %d entities (%.1f %%) begin or end inside a piece of this encoder and cannot "
                    "be found exactly",
                    split, language, missed, spans, 100 * missed / spans,
                )  # fmt: skip
    return found


def score(
    corpus: Corpus, model: FittedModel, run: Run, config: Config, part: str, routes: Routes
) -> tuple[dict[str, float], dict[str, float]]:
    """Score a model on a corpus against its full gold, and store the predictions where that is allowed.

    :param part: name of the model where a run trains several, else empty.
    :returns: measures, and for translate-test what the projection of the predictions came to.
    """
    started = time.perf_counter()
    route = routed(corpus, routes)
    projected: dict[str, float] = {}
    if route:
        tagged, account = model.predict(route.translated)
        predicted, fates = route.back(tagged)
        projected = projection_names(corpus.language, fates)
    else:
        predicted, account = model.predict(corpus.sentences)
    seconds = time.perf_counter() - started
    counts = count_spans([sentence.spans for sentence in corpus.sentences], predicted, corpus.labels)
    values = measures(counts, corpus.labels)
    interval = bootstrap_interval(counts, "entity_f1", seed=config.seed)
    values |= {"entity_f1_low": interval.low, "entity_f1_high": interval.high}
    values |= {name: float(count) for name, count in account.items()}
    values["predict_sentences_per_second"] = len(corpus) / seconds if seconds else 0.0
    if config.tracking.predictions and not corpus.restricted:
        place = f"predictions/{part}/" if part else "predictions/"
        run.log_text(f"{place}{corpus.split}.{corpus.language}.jsonl", predictions_text(corpus, predicted))
    logger.info(
        "%s %s: entity F1 %.3f, span F1 %.3f",
        corpus.split,
        corpus.language,
        values["entity_f1"],
        values["span_f1"],
    )
    return values, projected


def summary(scores: Mapping[tuple[str, str], list[dict[str, float]]], targets: Sequence[str]) -> dict[str, float]:
    """Name the measures; the source is averaged over separate models, the mean is over target languages."""
    metrics: dict[str, float] = {}
    by_split: dict[str, dict[str, dict[str, float]]] = {}
    for (split, language), values in scores.items():
        merged = {name: sum(one[name] for one in values) / len(values) for name in values[0]}
        metrics |= named(split, language, merged)
        if language in targets:
            by_split.setdefault(split, {})[language] = merged
    for split, languages in by_split.items():
        metrics |= named(split, "mean", mean_over_languages(languages))
    return metrics


def dev_scorer(mixture: Mixture, catalogue: Catalogue) -> Callable[[list[tuple[Span, ...]]], dict[str, float]]:
    """Return what scores dev predictions; the selection and all measures of the dev set come from it."""
    return partial(_score_dev, [sentence.spans for sentence in mixture.dev], catalogue.card.labels)


def _score_dev(
    gold: list[tuple[Span, ...]], labels: tuple[str, ...], predicted: list[tuple[Span, ...]]
) -> dict[str, float]:
    return measures(count_spans(gold, predicted, labels), labels)


def synthesis_cards(config: Config, mixed: Sequence[Mixture]) -> dict[str, dict[str, Any]]:
    """Return the quality cards that stand beside the synthetic corpora of a run, by language; many have none.

    A card names frequent entities, so for a restricted corpus none is kept.
    """
    used = {
        part.partition("/")[2] for one in mixed for part, n in one.account.items() if n and part[:10] == "synthetic/"
    }
    cards = {}
    for language in sorted(used):
        source = config.data.targets[language].synthetic
        path = resolve_path(source.path, config.data_folder or Path.cwd()) if source and source.path else None
        if path is not None and card_path(path).is_file() and not config.data.restricted:
            card = read_card(path)
            if card.get("sha256") and card["sha256"] != file_digest(path):
                raise DataError(
                    f"{path} changed since its quality card was written; make both anew, or remove the card"
                )
            cards[language] = card
    return cards
