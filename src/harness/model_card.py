"""The README of an exported model: what it was trained on, how, how well it does, and how to use it."""

from typing import Any

from harness.report.collect import Record
from harness.report.tables import markdown

_MEASURES = ("entity_f1", "entity_precision", "entity_recall", "span_f1", "label_accuracy")


def model_card(record: Record, manifest: dict[str, Any], *, agreement: tuple[int, int]) -> str:
    """Return the model card as Markdown with Hugging Face's metadata header."""
    encoder = manifest["encoder"]
    languages = [manifest["source"], *manifest["targets"]]
    header = [
        "---",
        "pipeline_tag: token-classification",
        "tags: [named-entity-recognition, cross-lingual]",
        "language:",
    ]
    header += [f"- {language}" for language in languages]
    header += [f"license: {_yaml(encoder.get('license', 'unknown'))}", "---", ""]
    method = manifest["method"]
    ratio = f" at ratio {method['ratio']:g}" if method.get("ratio") else ""
    lines = [
        f"# {encoder['name']}, {method['name']}{ratio}: {', '.join(manifest['labels'])}",
        "",
        f"Trained on {manifest['data']} ({manifest['source']}; tested on {', '.join(manifest['targets'])}), "
        f"seed {manifest['seed']}, protocol {manifest['protocol']}, run {record.run_id}.",
        "",
        "## Scores",
        "",
        "Exact character spans and labels against full gold (conlleval rules), times 100. One seed: compare seeds with",
        "`harness compare` before resting a decision on differences of a few points.",
        "",
        markdown(["test", *(name.replace("_", " ") for name in _MEASURES)], _scores(record, languages)),
        "",
        "## Training",
        "",
        markdown(["key", "value"], _settings(record)),
        "",
        f"Reproduce: `{record.tags.get('harness.command', '')}`",
        "",
        "## Use",
        "",
        *_usage(encoder["kind"]),
        "",
        _agreement(agreement),
        "",
    ]
    if manifest["data"] == "rx-mini":
        lines += [
            "## Limits",
            "",
            "Trained on rx-mini: LLM-written and LLM-annotated prescriptions, not reviewed by native speakers or",
            "clinicians. A demonstration of the path, not for clinical use.",
            "",
        ]
    return "\n".join(header + lines)


def _yaml(text: str) -> str:
    return text.lower() if text.replace("-", "").replace(".", "").isalnum() else "other"


def _scores(record: Record, languages: list[str]) -> list[list[str]]:
    rows = []
    for language in [*languages, "mean"]:
        values = [record.metrics.get(f"test/{language}/{name}") for name in _MEASURES]
        if values[0] is not None:
            rows.append([language, *("" if value is None else f"{100 * value:.1f}" for value in values)])
    return rows


def _settings(record: Record) -> list[list[str]]:
    shown = ("encoder.name", "encoder.revision", "method.", "trainer.", "seed", "protocol")
    rows = [[key, value] for key, value in sorted(record.params.items()) if key.startswith(shown)]
    metrics = ("model/parameters_millions", "train/sentences", "train/seconds", "train/best_epoch")
    return rows + [[name, f"{record.metrics[name]:g}"] for name in metrics if name in record.metrics]


def _usage(kind: str) -> list[str]:
    command = ["```", "harness predict FOLDER sentences.txt", "```"]
    if kind != "transformers":
        return ["One sentence a line in, JSON lines of character spans out:", "", *command]
    return [
        "```python",
        "from transformers import pipeline",
        'tagger = pipeline("token-classification", "FOLDER", aggregation_strategy="first")',
        "```",
        "",
        "or, with long texts windowed and punctuation kept apart in every script:",
        "",
        *command,
    ]


def _agreement(agreement: tuple[int, int]) -> str:
    same, probes = agreement
    if not probes:
        return "The run stored no predictions to check the export against."
    return f"Loaded again in float32, it predicts the spans of the run on {same} of {probes} test sentences."
