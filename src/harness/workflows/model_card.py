"""The README of an exported model: what it was trained on, how, how well it does, and how to use it.

Names come from cards and corpora of anybody, so everything is escaped: in the header as YAML, in the text as Markdown.
"""

import json
import re
import shlex
from pathlib import PurePath
from typing import Any

from harness.machine.provenance import mask_url
from harness.tracking.records import Record
from harness.values import names
from harness.values.errors import printable
from harness.values.markdown import markdown, markdown_text

_MEASURES = ("entity_f1", "entity_precision", "entity_recall", "entity_macro_f1", "span_f1", "label_accuracy")


def model_card(record: Record, manifest: dict[str, Any], *, agreement: tuple[int, int], reason: str = "") -> str:
    """Return the model card as Markdown with Hugging Face's metadata header.

    :param agreement: sentences on which the exported model predicts what the run stored, and of how many.
    :param reason: why this run was chosen; empty where a person named it.
    """
    encoder = manifest["encoder"]
    languages = [manifest["source"], *manifest["targets"]]
    method = manifest["method"]
    lines = [
        *_title(record, manifest),
        *_choice(record, reason),
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
        "Reproduce:",
        "",
        # Indented code: nothing in it ends it but a line that is not indented, and there is one line.
        "    " + printable(" ".join(without_places(record.tags.get(names.COMMAND, "")).split())),
        "",
        "## Use",
        "",
        *_usage(encoder["kind"]),
        *(_route(manifest, record) if method.get("test") == "translated" else []),
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
    return "\n".join([*_header(record, manifest, languages), *lines])


def _title(record: Record, manifest: dict[str, Any]) -> list[str]:
    """Return what the model is, on what it was trained, and under which licences."""
    encoder, method = manifest["encoder"], manifest["method"]
    ratio = f" at ratio {method['ratio']:g}" if method.get("ratio") else ""
    title = f"{encoder['name']}, {method['name']}{ratio}: {', '.join(manifest['labels'])}"
    return [
        *([_restriction(manifest), ""] if _is_restricted(record, manifest) else []),
        f"# {markdown_text(title)}",
        "",
        f"Trained on {markdown_text(manifest['data'])} ({markdown_text(manifest['source'])}; tested on "
        f"{markdown_text(', '.join(manifest['targets']))}), seed {manifest['seed']}, protocol "
        f"{markdown_text(manifest['protocol'])}, run {record.run_id}.",
        "",
        f"Licence of the data: {markdown_text(manifest.get('data_license') or 'unknown')}; of the encoder: "
        f"{markdown_text(encoder.get('license') or 'unknown')}.",
        "",
    ]


def _is_restricted(record: Record, manifest: dict[str, Any]) -> bool:
    return bool(manifest.get("restricted")) or record.tags.get(names.RESTRICTED) == "true"


def _restriction(manifest: dict[str, Any]) -> str:
    return (
        f"**Trained on restricted data ({markdown_text(manifest['data'])}): weights can give back what they were "
        "trained on; "
        "keep this model where the data may be kept, and publish nothing of it.**"
    )


def _header(record: Record, manifest: dict[str, Any], languages: list[str]) -> list[str]:
    """Return the YAML header; every value is written as JSON, which YAML reads and nothing can break out of."""
    encoder = manifest["encoder"]
    licences = {
        "data": str(manifest.get("data_license") or "unknown"), "encoder": str(encoder.get("license") or "unknown"),
    }  # fmt: skip
    values: dict[str, Any] = {
        "pipeline_tag": "token-classification",
        "tags": ["named-entity-recognition", "cross-lingual"],
        "language": languages,
        "license": _license(licences),
        "license_name": "; ".join(f"{what}: {name}" for what, name in licences.items()),
        "datasets": [manifest["data"]],
        "restricted": _is_restricted(record, manifest),
    }
    if manifest.get("base_model"):
        values["base_model"] = manifest["base_model"]
    return ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()), "---", ""]


def _license(licences: dict[str, str]) -> str:
    """Return the data's licence where the encoder's is the same or the encoder is trained from scratch, else
    ``other``.
    """
    data, encoder = licences["data"], licences["encoder"]
    known = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{1,40}", data) is not None and data != "unknown"
    return data.lower() if known and encoder in (data, "unknown") else "other"


def without_places(command: str) -> str:
    """Return a command with folders of this machine replaced by their last names, passwords masked."""
    words = []
    for word in shlex.split(command) if command else []:
        key, equals, value = word.partition("=")
        place = value if equals else key
        scheme, slashes, rest = place.partition(":///")
        path = rest if slashes and scheme.startswith("sqlite") else place
        if path.startswith(("/", "~")):
            word = f"{key}{equals}" * bool(equals) + f"FOLDER/{PurePath(path).name}"
        elif "://" not in word:  # {en-fr: /home/me/model}, path="/home/me/x"
            word = re.sub(r"(?<![\w.])[~/](?:[^\s\"',{}\[\]]*/)([^\s\"',{}\[\]/]+)", r"FOLDER/\1", word)
        words.append(shlex.quote(mask_url(word)))
    return " ".join(words)


def _scores(record: Record, languages: list[str]) -> list[list[str]]:
    rows = []
    for language in [*languages, "mean"]:
        values = [record.metrics.get(names.score("test", language, name)) for name in _MEASURES]
        if values[0] is not None:
            rows.append([language, *("" if value is None else f"{100 * value:.1f}" for value in values)])
    return rows


def _settings(record: Record) -> list[list[str]]:
    digests = (names.DATA_DIGEST, names.DATA_TESTS)
    shown = ("encoder.name", "encoder.revision", "method.", "trainer.", names.SEED, names.PROTOCOL, *digests)
    rows = [[key, value] for key, value in sorted(record.params.items()) if key.startswith(shown)]
    metrics = (names.PARAMETERS, names.TRAIN_SENTENCES, names.SECONDS, names.BEST_EPOCH)
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


def _choice(record: Record, reason: str) -> list[str]:
    """Say what chose the run and its weights, and what a reader of its scores must know."""
    selection = record.params.get("trainer.selection", "best")
    weights = {
        "best": "of the evaluation with the best score on the dev set of its mixture",
        "last": "of the last step",
        "average": "the mean of the last evaluations",
    }
    lines = [f"Chosen as {markdown_text(reason)}." if reason else "Chosen by its run id."]
    lines.append(f"Weights: {weights.get(selection, markdown_text(selection))}.")
    for name, what in ((names.LEAKS, "Test sentences in its training data"), (names.NOTE, "Note")):
        if record.tags.get(name):
            lines.append(f"**{what}: {markdown_text(record.tags[name])}.**")
    return [*(line for text in lines for line in (text, ""))]


def _route(manifest: dict[str, Any], record: Record) -> list[str]:
    """Say how texts of other languages come to a model that tags its source language."""
    engines = " and ".join(markdown_text(record.tags.get(kind, "") or "unknown") for kind in ("translator", "aligner"))
    return [
        "",
        f"This model tags {markdown_text(manifest['source'])}. Texts in another language are translated into it, and",
        f"what is found is projected back (translate-test). The scores above are with the run's own ({engines});",
        "with others they differ:",
        "",
        "```",
        "harness predict FOLDER texts.txt --language fr --translator apertium",
        "```",
    ]


def _agreement(agreement: tuple[int, int]) -> str:
    same, probes = agreement
    if not probes:
        return "The run stored no predictions to check the export against."
    return f"Loaded again in float32, it predicts the spans of the run on {same} of {probes} test sentences."
