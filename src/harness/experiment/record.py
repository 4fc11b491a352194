"""What a run records, by name: metrics, parameters, tags, the saved configuration, the predictions as text.

Belongs to the pipeline: the names join all stages, and outside checks and tables rely on them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.config import Config
from harness.corpora.catalogue import Catalogue
from harness.machine.provenance import available_cores, git_state, source_folder, versions
from harness.synthesis.card import card_metrics
from harness.transfer.mixture import Mixture
from harness.transfer.ranking import ranking_tag
from harness.transfer.routes import Routes
from harness.values.records import Corpus, Span


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


def unreachable_metrics(counts: Mapping[tuple[str, str], tuple[int, int]]) -> dict[str, float]:
    """Return ``data/LANGUAGE/unreachable_entities``, and the same of each split.

    :param counts: (language, split) → entities that the encoder cannot express, all entities.
    """
    metrics: dict[str, float] = {}
    for (language, split), (missed, _) in counts.items():
        metrics[f"data/{language}/{split}_unreachable_entities"] = float(missed)
        total = f"data/{language}/unreachable_entities"
        metrics[total] = metrics.get(total, 0.0) + missed
    return metrics


def projection_metrics(routes: Routes) -> dict[str, float]:
    """Return ``projection/LANGUAGE/…`` of the translated training sets."""
    metrics: dict[str, float] = {}
    for language, carried in routes.training.items():
        metrics |= projection_names(language, carried.metrics())
    return metrics


def synthesis_metrics(cards: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return ``synthesis/LANGUAGE/…``: what became of the answers the synthetic sentences come from."""
    return {
        f"synthesis/{language}/{_metric_name(name)}": value
        for language, card in cards.items()
        for name, value in card_metrics(card).items()
    }


def projection_names(language: str, values: Mapping[str, float]) -> dict[str, float]:
    return {f"projection/{language}/{_metric_name(name)}": value for name, value in values.items()}


def _metric_name(text: str) -> str:
    return re.sub(r"[^\w.\-: /]", "_", text)  # a foreign label may hold what MLflow refuses in a name


_HOW = ("ranking", "timeout_seconds", "concurrency", "api_key_env")
"""Keys of an engine that change no result: runs that differ in them are repetitions of one another."""


def run_params(config: Config) -> dict[str, str]:
    """Return the scalar configuration keys of a run; the card is named, not spelled out."""
    values = config.model_dump(
        mode="json", exclude={"data", "encoder", "tracking", "translator", "aligner", "synthesis"}
    )
    for group, card in (("translator", config.translator), ("aligner", config.aligner)):
        values[group] = card.model_dump(mode="json", exclude_defaults=True, exclude={"kind", "pairs", "codes", *_HOW})
    if not config.method.translates:
        del values["method"]["projection"]
    encoder = config.encoder.model_dump(
        mode="json", exclude={"citation", "notes", "languages", "license", "layers", "learning_rate", "max_epochs"}
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
        "languages": ",".join((config.data.source.language, *config.targets)),
        "translator": config.translator.name,
        "aligner": config.aligner.name,
        "generator": config.synthesis.name,
        "scorer": "exact character spans (conlleval, seqeval default)",
        "restricted": str(config.data.restricted).lower(),
        "harness.command": command,
    }
    folder = Path.cwd()
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
        "data_license": config.data.license,
        "data_url": config.data.url,
        "base_model": "" if Path(config.encoder.path or "").is_dir() else config.encoder.path or "",
    }


def predictions_text(corpus: Corpus, predicted: Sequence[Sequence[Span]]) -> str:
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
