"""What a run records, from the state of the machine to the last score; the names are in :mod:`harness.values.names`."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.config import Config
from harness.evaluation.stored import as_object
from harness.experiment.prepare import Prepared
from harness.experiment.score import ScoredRound, summarise
from harness.machine.provenance import available_cores, git_state, mask_url, source_folder, versions
from harness.model.plan import Evaluation, OnEvaluation
from harness.model.train import training_device
from harness.synthesis.card import card_metrics
from harness.tracking.tracker import Tracker
from harness.transfer.ranking import ranking_tag
from harness.values import interchange, names
from harness.values.errors import ConfigError
from harness.values.records import CorpusKey

logger = logging.getLogger(__name__)


def record_inputs(run: Tracker, prepared: Prepared) -> dict[str, float]:
    """Record configuration and data before training; return the figures of the data, to be recorded in the end.

    MLflow shows metrics in the order in which they came, and counts are not what a person looks for first.
    """
    config = prepared.config
    run.log_params(run_params(config) | prepared.data_params)
    run.log_json(names.CONFIG, saved_config(config))
    run.log_corpora(list(prepared.corpora.values()))
    if config.tracking.system_metrics:
        run.start_system_metrics()
    for language, card in prepared.cards.items():
        run.log_json(names.quality_card(language), card)
    run.set_tags(data_tags(prepared))
    return data_metrics(prepared)


def data_tags(prepared: Prepared) -> dict[str, str]:
    """Return what judges besides, with digests, and which test sentences were trained on although above the bound."""
    leaks = [str(leak) for leak in prepared.leaks if leak.share > prepared.config.leaks.bound]
    judges = [f"{one.corpus.split}.{one.corpus.language}={one.corpus.digest[:8]}" for one in prepared.proxies]
    tags = {names.LEAKS: "; ".join(dict.fromkeys(leaks)), names.PROXIES: ",".join(judges)}
    return {name: text for name, text in tags.items() if text}


def evaluation_recorder(run: Tracker, part: str) -> OnEvaluation:
    """Return what records the curve of one training.

    :param part: name of the model where a run trains several, else empty.
    """

    def record(evaluation: Evaluation) -> None:
        curve = {names.LOSS: evaluation.loss, names.DEV_F1: evaluation.score} | evaluation.watched
        run.log_metrics({names.of_model(part, name): value for name, value in curve.items()}, step=evaluation.step)
        logger.info(
            "%sepoch %g (step %d of %d): loss %.3f, dev entity F1 %.1f",
            f"{part}/" if part else "", round(evaluation.epoch, 1), evaluation.step, evaluation.steps,
            evaluation.loss, 100 * evaluation.score,
        )  # fmt: skip

    return record


def record_round(run: Tracker, prepared: Prepared, scored: ScoredRound, scratch: Path) -> None:
    """Store the predictions and the checkpoint of one model, where that is allowed and wanted.

    :param scratch: an empty folder to write the model into.
    """
    config, part = prepared.config, scored.round.part
    for entry in scored.corpora:
        corpus, predictions = entry.corpus, entry.predictions
        if not config.tracking.predictions or corpus.restricted:
            continue
        tagged = {corpus.split: interchange.with_predictions(corpus.sentences, predictions.spans)}
        if predictions.tagged:  # what the model itself has tagged, in the source language
            tagged[f"translated_{corpus.split}"] = list(predictions.tagged)
        for split, sentences in tagged.items():
            run.log_text(names.predictions(part, split, corpus.language), interchange.as_lines(sentences))
    if config.tracking.checkpoints != "none":
        folder = scored.round.trained.tagger.save(scratch, **checkpoint_facts(config, run.run_id))
        run.log_folder(folder, names.checkpoint(part))


def record_outcome(
    run: Tracker, prepared: Prepared, rounds: Sequence[ScoredRound], counts: Mapping[str, float]
) -> tuple[dict[str, float], str]:
    """Record the figures of all models: the scores first, in the order in which MLflow will show them.

    :param counts: figures of the data, recorded last.
    :returns: the metrics, and why the run counts as collapsed (empty for a sound one).
    """
    metrics: dict[str, float] = {}
    collapsed = []
    lost: list[str] = []
    for scored in rounds:
        part, trained = scored.round.part, scored.round.trained
        metrics |= {names.of_model(part, name): value for name, value in trained.metrics.items()}
        if trained.training.collapsed:
            collapsed.append(names.of_model(part, trained.training.collapsed))
            lost += scored.round.mixture.targets
        for entry in scored.corpora:
            fates = entry.predictions.projection
            metrics |= {names.projection(entry.corpus.language, fate): value for fate, value in fates.items()}
    metrics |= _unreachable_metrics([scored.unreachable for scored in rounds])
    metrics |= {names.MODELS: float(len(rounds)), names.IS_COLLAPSED: float(bool(collapsed))}
    if len(rounds) > 1:  # seconds add up, sizes and scores of one model are comparable with other runs
        for name in names.OF_EACH_MODEL:
            values = [metrics[names.of_model(scored.round.part, name)] for scored in rounds]
            metrics[name] = sum(values) if name in names.SUMMED else sum(values) / len(values)
    kept = prepared.config.tracking.checkpoints != "none"
    tags = {names.CHECKPOINT_STATE: names.CHECKPOINT_KEPT if kept else names.CHECKPOINT_NONE}
    why = "; ".join(collapsed)
    note = "; ".join(scored.round.trained.training.note for scored in rounds if scored.round.trained.training.note)
    told = {names.COLLAPSED: why, names.NOTE: note}
    if 0 < len(collapsed) < len(rounds):
        told[names.COLLAPSED_LANGUAGES] = ",".join(lost)
    run.set_tags(tags | {name: text for name, text in told.items() if text})
    scores = summarise(rounds, prepared.config.targets)
    first = names.headlines(scores, prepared.config.data.languages)
    metrics |= scores
    run.log_metrics({**first, **scores, **metrics, **{name: n for name, n in counts.items() if name not in metrics}})
    run.log_text(names.COUNTS, json.dumps(counts_by_corpus(rounds), separators=(",", ":")))
    return metrics, why


def counts_by_corpus(rounds: Sequence[ScoredRound]) -> dict[str, Any]:
    """Return the counts per sentence of every scored corpus, without text; of the source's by each model."""
    found: dict[str, Any] = {}
    for scored in rounds:
        for entry in (*scored.corpora, *scored.proxies, scored.judge):
            corpus = entry.corpus
            part = "" if corpus.language in scored.round.mixture.targets else scored.round.part
            found[names.stored_as(corpus.split, corpus.language, part)] = as_object(corpus, entry.counts)
    return found


def data_metrics(prepared: Prepared) -> dict[str, float]:
    """Return sizes of corpora and mixtures, what readers repaired, what projection and synthesis counted."""
    catalogue = prepared.catalogue
    metrics = {names.DIFFERENCES: float(len(catalogue.differences))}
    for (language, split), corpus in catalogue.corpora.items():
        counts = {"sentences": len(corpus), "entities": corpus.entities, **corpus.account}
        metrics |= {names.data_count(language, split, what): float(count) for what, count in counts.items()}
    for mixture in prepared.mixtures:
        metrics |= {names.mixture_count(part): float(count) for part, count in mixture.account.items()}
    for leak in prepared.leaks:
        name = names.data_count(leak.corpus.language, leak.corpus.split, "sentences_in_training")
        metrics[name] = max(metrics.get(name, 0.0), float(leak.sentences))
    metrics[names.MIXTURE_SENTENCES] = float(sum(len(mixture.train) for mixture in prepared.mixtures))
    for language, carried in prepared.routes.training.items():
        metrics |= {names.projection(language, fate): value for fate, value in carried.metrics().items()}
    for language, card in prepared.cards.items():
        metrics |= {names.synthesis(language, what): value for what, value in card_metrics(card).items()}
    return metrics


def _unreachable_metrics(counted: Sequence[Mapping[CorpusKey, tuple[int, int]]]) -> dict[str, float]:
    """Return the entities out of reach by language and split; models of one encoder count the same."""
    merged = {key: counts for of_round in counted for key, counts in of_round.items()}
    metrics: dict[str, float] = {}
    for (language, split), (missed, _) in merged.items():
        metrics[names.unreachable(language, split)] = float(missed)
        total = names.unreachable(language)
        metrics[total] = metrics.get(total, 0.0) + missed
    return metrics


_HOW = ("ranking", "timeout_seconds", "concurrency", "api_key_env")
"""Keys of an engine that change no result: runs that differ in them are repetitions of one another."""


def run_params(config: Config) -> dict[str, str]:
    """Return the scalar configuration keys of a run; the card is named, not spelled out."""
    values = config.model_dump(
        mode="json", exclude={"data", "encoder", "tracking", "translator", "aligner", "synthesis", "leaks"}
    )
    for group, card in (("translator", config.translator), ("aligner", config.aligner)):
        values[group] = card.model_dump(mode="json", exclude_defaults=True, exclude={"kind", "pairs", "codes", *_HOW})
    if not config.method.translates:
        del values["method"]["projection"]
    if "synthetic" not in config.method.train:
        del values["method"]["fill"]
    if not {"synthetic", "translated", "target"} & set(config.method.train):
        del values["method"]["hold_out"]  # proxies alone rest on it
    encoder = config.encoder.model_dump(
        mode="json",
        exclude={
            "citation",
            "notes",
            "languages",
            "license",
            "layers",
            "trim",
            "learning_rate",
            "warmup_share",
            "max_epochs",
        },
    )
    params = {names.DATA_NAME: config.data.name, names.DATA_SOURCE: config.data.source.language}
    params[names.DATA_TARGETS] = ",".join(config.targets)
    params |= _flat({"encoder": encoder, **values})
    params[names.LEARNING_RATE] = str(config.learning_rate)
    params[names.WARMUP_SHARE] = str(config.warmup_share)
    if config.trainer.max_steps or config.trainer.max_tokens:
        params.pop(names.MAX_EPOCHS, None)  # has no part
    else:
        params[names.MAX_EPOCHS] = str(config.max_epochs)
    params[names.THREADS] = str(config.trainer.threads or available_cores())
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
        names.PROTOCOL: config.effective_protocol,
        names.LANGUAGES: ",".join((config.data.source.language, *config.targets)),
        "translator": config.translator.name,
        "aligner": config.aligner.name,
        "generator": config.synthesis.name,
        names.SCORER: "exact character spans (conlleval, seqeval default)",
        names.RESTRICTED: str(config.data.restricted).lower(),
        names.COMMAND: command,
    }
    folder = Path.cwd()
    for kind, tag in (
        ("translator", ranking_tag(config.translator, "translator", folder)),
        ("aligner", ranking_tag(config.aligner, "aligner", folder)),
    ):
        tags |= {names.ranking(kind): tag} if tag else {}
    return tags | git_state(source_folder()) | {names.version(name): text for name, text in versions().items()}


def machine_part(config: Config, threads: int) -> str:
    """Return on what a run trains: ``cpu, 2 threads``."""
    try:
        device = training_device(config.trainer).type
    except ConfigError:  # of one cell of a study: told when its turn comes
        device = config.trainer.accelerator
    return f"{device}, {threads} thread{'s' if threads > 1 else ''}"


def header(config: Config, uri: str) -> str:
    """Return one line that says what a run will do, before anything slow begins.

    :param uri: of the tracking store.
    """
    parts = [
        f"{config.data.name}: {config.data.source.language} → {', '.join(config.targets)}",
        run_name(config),
        machine_part(config, config.trainer.threads or available_cores()),
        f"recorded in experiment {config.tracking.experiment} of {mask_url(uri)}",
    ]
    return "; ".join(parts)


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
        "data_license": config.data.license,
        "data_url": config.data.url,
        "base_model": "" if Path(config.encoder.path or "").is_dir() else config.encoder.path or "",
    }
