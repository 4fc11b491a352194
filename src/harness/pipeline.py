"""One experiment, the stages in order: corpora → transfer → model → evaluation → tracking.

This is the file to read first, and the only one that joins stages. ``run_experiment`` is what ``harness run``
calls once and a sweep calls many times.
"""

import json
import logging
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from harness.config import Config
from harness.config.cards import resolve_path
from harness.corpora.catalogue import Catalogue, load_corpora
from harness.corpora.splits import nested_subset
from harness.errors import ConfigError, DataError
from harness.evaluation.measures import LABEL_MEASURES, MEASURES, mean_over_languages, measures, named
from harness.evaluation.significance import bootstrap_interval
from harness.evaluation.spans import count_spans
from harness.model.workshop import FittedModel, Workshop
from harness.provenance import available_cores, file_digest, git_state, source_folder, versions
from harness.records import Corpus, Span
from harness.synthesis.corpus import card_metrics, card_path, read_card
from harness.tracking.mlflow import CHECKPOINT, Run, Store, tracking_uri
from harness.transfer.ranking import ranking_tag
from harness.transfer.recipe import Mixture, mixtures, needed_corpora
from harness.transfer.routes import Routes, file_splits, prepare_routes

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
        folder = config.data_folder or Path.cwd()
        method = config.method
        parts = (config.data, config.translator, config.aligner, method.projection)
        key = (*(part.model_dump_json() for part in parts), folder, config.targets, method.train, method.test)
        if key not in self._routes:
            self._routes[key] = prepare_routes(config, catalogue.corpora, folder)
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
    warm = warm or Warm()
    warm.workshop.use_disk = not config.data.restricted
    # Before a run is opened: bad input leaves no trace.
    described = run_tags(config, command) | dict(tags or {})
    catalogue, routes, mixed = prepare(config, warm)
    cards = synthesis_cards(config, mixed)
    warm.workshop.load(config.encoder, config.data.labels, config.trainer)
    store = Store(tracking_uri(config.tracking))
    with Run(store, config.tracking.experiment, name=run_name(config), tags=described, parent=parent) as run:
        if on_start:
            on_start(run.run_id)
        params = run_params(config)
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
    source, targets = config.data.source.language, config.targets
    # What is translated here is no file of the card.
    translated = {"translated_train", "translated_test"} if config.method.translates else set()
    wanted = [key for key in needed_corpora(config.method, source, targets) if key[1] not in translated]
    wanted += file_splits(config)
    if config.data.source.test:
        wanted.append((source, "test"))
    for target in targets:
        wanted.append((target, "test"))
        wanted += [(target, "dev")] if config.data.targets[target].dev else []
    if not targets:
        raise ConfigError(f"data.targets: {config.data.name} names no target language")
    catalogue = warm.catalogue(config, wanted)
    routes = warm.routes(config, catalogue)
    mixed = mixtures(
        config.method,
        {**catalogue.corpora, **routes.corpora()},
        source=source,
        targets=targets,
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

        with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
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
                scratch=Path(scratch),
                progress=progress,
            )
            metrics |= {f"{prefix}{key}": value for key, value in model.metrics.items()}
            chosen = epochs[max(0, model.training.best_epoch - 1)]
            scores.setdefault(("dev", mixture.dev_name), []).append(
                {name: value for name, value in chosen.items() if name != "loss"}
            )
            if model.collapsed:
                collapsed.append(f"{prefix}{model.collapsed}")
            for corpus in tested(config, catalogue, mixture):
                scored, projected = score(corpus, model, run, config, part, routes)
                scores.setdefault((corpus.split, corpus.language), []).append(scored)
                metrics |= projected
            if config.tracking.checkpoints != "none":
                folder = model.save(Path(scratch) / "model", **checkpoint_facts(config, run.run_id))
                run.log_folder(folder, f"{CHECKPOINT}/{part}" if several else CHECKPOINT)
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


def score(
    corpus: Corpus, model: FittedModel, run: Run, config: Config, part: str, routes: Routes
) -> tuple[dict[str, float], dict[str, float]]:
    """Score a model on a corpus against its full gold, and store the predictions where that is allowed.

    :param part: name of the model where a run trains several, else empty.
    :returns: measures, and for translate-test what the projection of the predictions came to.
    """
    started = time.perf_counter()
    route = routes.testing.get(corpus.language) if corpus.split == "test" else None
    projected: dict[str, float] = {}
    if route:
        tagged, account = model.predict(route.translated)
        predicted, fates = route.back(tagged)
        projected = _projection_names(corpus.language, fates)
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
        run.log_text(f"{place}{corpus.split}.{corpus.language}.jsonl", _predictions(corpus, predicted))
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


def data_metrics(catalogue: Catalogue, mixed: Sequence[Mixture]) -> dict[str, float]:
    """Return ``data/*``: sizes of corpora and mixtures, what readers repaired, differences from the card."""
    metrics: dict[str, float] = {"data/differences_from_card": float(len(catalogue.differences))}
    for (language, split), corpus in catalogue.corpora.items():
        metrics[f"data/{language}/{split}_sentences"] = float(len(corpus))
        metrics[f"data/{language}/{split}_entities"] = float(corpus.entities)
        for reason, count in corpus.account.items():
            metrics[f"data/{language}/{split}_{_metric_name(reason)}"] = float(count)
    for mixture in mixed:
        for part, count in mixture.account.items():
            metrics[f"data/mixture/{part}"] = float(count)
    metrics["data/mixture/sentences"] = float(sum(len(mixture.train) for mixture in mixed))
    return metrics


def projection_metrics(routes: Routes) -> dict[str, float]:
    """Return ``projection/LANGUAGE/…`` of the translated training sets."""
    metrics: dict[str, float] = {}
    for language, carried in routes.training.items():
        metrics |= _projection_names(language, carried.metrics())
    return metrics


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


def synthesis_metrics(cards: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return ``synthesis/LANGUAGE/…``: what became of the answers the synthetic sentences come from."""
    return {
        f"synthesis/{language}/{_metric_name(name)}": value
        for language, card in cards.items()
        for name, value in card_metrics(card).items()
    }


def _projection_names(language: str, values: Mapping[str, float]) -> dict[str, float]:
    return {f"projection/{language}/{_metric_name(name)}": value for name, value in values.items()}


def _metric_name(text: str) -> str:
    return re.sub(r"[^\w.\-: /]", "_", text)  # a foreign label may hold what MLflow refuses in a name


def run_params(config: Config) -> dict[str, str]:
    """Return the scalar configuration keys of a run; the card is named, not spelled out."""
    values = config.model_dump(
        mode="json", exclude={"data", "encoder", "tracking", "translator", "aligner", "synthesis"}
    )
    for group, card in (("translator", config.translator), ("aligner", config.aligner)):
        values[group] = card.model_dump(mode="json", exclude_defaults=True, exclude={"kind", "pairs", "codes"})
    if not config.method.translates:
        del values["method"]["projection"]
    encoder = config.encoder.model_dump(
        mode="json", exclude={"citation", "notes", "languages", "learning_rate", "max_epochs"}
    )
    params = {"data.name": config.data.name, "data.source": config.data.source.language}
    params["data.targets"] = ",".join(config.targets)
    params |= _flat({"encoder": encoder, **values})
    params["trainer.learning_rate"] = str(config.learning_rate)
    params["trainer.max_epochs"] = str(config.max_epochs)
    params["trainer.threads"] = str(config.trainer.threads or available_cores())
    return params


def saved_config(config: Config) -> dict[str, Any]:
    """Return the resolved configuration without the place it was recorded and without this package's own folder."""
    text = json.dumps(config.model_dump(mode="json", exclude={"tracking": {"uri"}}), ensure_ascii=False)
    embedded = json.dumps(str(source_folder() / "corpora" / "rx_mini"), ensure_ascii=False)[1:-1]
    return dict(json.loads(text.replace(embedded, "${rx_mini:}")))


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{name}.")
        elif isinstance(value, float) and value.is_integer():
            flat[name] = str(int(value))  # 0 and 0.0 are one value in a table
        elif value is not None:
            flat[name] = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return flat


def run_tags(config: Config, command: str) -> dict[str, str]:
    """Return the tags of a run: protocol, languages, provenance and the line that repeats it."""
    tags = {
        "protocol": config.effective_protocol,
        "languages": ",".join(config.data.languages),
        "translator": config.translator.name,
        "aligner": config.aligner.name,
        "generator": config.synthesis.name,
        "scorer": "exact character spans (conlleval, seqeval default)",
        "restricted": str(config.data.restricted).lower(),
        "harness.command": command,
    }
    folder = config.data_folder or Path.cwd()
    for kind, tag in (
        ("translator", ranking_tag(config.translator, "translator", folder)),
        ("aligner", ranking_tag(config.aligner, "aligner", folder)),
    ):
        tags |= {f"{kind}.ranking": tag} if tag else {}
    return tags | git_state(source_folder()) | {f"version.{name}": text for name, text in versions().items()}


def run_name(config: Config) -> str:
    """Return a name a person can tell apart in the MLflow UI."""
    share = "" if config.method.ratio in (None, 0) else f" {config.method.ratio:g}"
    if config.method.size:
        share = f" n={config.method.size}"
    return f"{config.encoder.name} {config.method.name}{share} seed {config.seed}"


def checkpoint_facts(config: Config, run_id: str) -> dict[str, Any]:
    """Return what the manifest of a checkpoint says of its origin."""
    return {
        "run_id": run_id,
        "data": config.data.name,
        "labels": list(config.data.labels),
        "source": config.data.source.language,
        "targets": list(config.targets),
        "method": config.method.model_dump(mode="json"),
        "seed": config.seed,
        "protocol": config.effective_protocol,
        "restricted": config.data.restricted,
    }


def _predictions(corpus: Corpus, predicted: Sequence[Sequence[Span]]) -> str:
    lines = []
    for sentence, spans in zip(corpus.sentences, predicted, strict=True):
        listed = [{"start": span.start, "end": span.end, "label": span.label} for span in spans]
        value: dict[str, Any] = {
            "id": sentence.id, "text": sentence.text, "language": sentence.language, "spans": listed,
        }  # fmt: skip
        if sentence.tokens is not None:
            value["tokens"] = sentence.tokens
        lines.append(json.dumps(value, ensure_ascii=False))
    return "\n".join(lines) + "\n"
