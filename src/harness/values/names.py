"""Names of what is tracked: metrics, parameters, tags and artifacts, built and read here and spelled nowhere else.

Outside tables and scripts rely on them: a test freezes them, and another finds any other file that spells one.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

# --- metrics: SPLIT/LANGUAGE/MEASURE and SPLIT/LANGUAGE/LABEL/MEASURE

MEAN: Final = "mean"
"""Stands for a language: the macro mean over the target languages."""


MICRO_MEASURES: Final = (
    "entity_f1", "entity_precision", "entity_recall",
    "span_f1", "span_precision", "span_recall", "span_accuracy", "label_accuracy",
    "partial_f1", "type_f1",
)  # fmt: skip
"""Measures over all entities of a test set, see :func:`harness.evaluation.measures.measure`."""

MACRO_F1: Final = "entity_macro_f1"
"""Mean of the labels' entity F1."""

MEASURES: Final = (*MICRO_MEASURES, MACRO_F1)
"""All measures of a test set."""

EMPTY_LABELS: Final = "empty_labels"
"""Count of labels that neither gold nor a prediction has: they have no score and enter no mean."""

LABEL_MEASURES: Final = ("entity_f1", "entity_precision", "entity_recall")
"""Measures of one label."""


def score(split: str, language: str, measure: str) -> str:
    """Return the name of a score, of one label as ``LABEL/MEASURE``."""
    return f"{split}/{language}/{measure}"


def scores(split: str, language: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return measures under their full names."""
    return {score(split, language, measure): value for measure, value in values.items()}


def language_of(name: str) -> str:
    """Return the language of a score's name: ``test/sv/entity_f1`` → ``sv``; empty for other metrics."""
    parts = name.split("/")
    return parts[1] if len(parts) > 2 and parts[0] in ("test", "dev", *PROXY_SPLITS) else ""


def measure_of(name: str) -> str:
    """Return the measure of a score's name: ``test/sv/PER/entity_f1`` → ``PER/entity_f1``."""
    return name.split("/", 2)[2]


PROXY_SPLITS: Final = ("translated_dev", "synthetic_dev")
"""Labelled sentences in the target languages without target gold."""

PROXY_MEASURES: Final = ("entity_f1", "span_f1")
"""What is kept of a model's scores on a proxy."""


def curve(split: str, language: str) -> str:
    """Return the name of the entity F1 in the course of a training."""
    return f"curve/{split}/{language}/entity_f1"


def is_curve(name: str) -> bool:
    """Return True for a score in the course of a training, of one of several models too."""
    return "curve/" in name and (name.startswith("curve/") or "/curve/" in name)


def part_of(name: str) -> tuple[str, str]:
    """Return the model and the plain name of a curve: ``sv/train/loss`` → ``sv`` and ``train/loss``."""
    for plain in ("curve/", "train/"):
        part, found, rest = name.partition(plain)
        if found and (not part or part.endswith("/")):
            return part.removesuffix("/"), plain + rest
    return "", name


def is_test(name: str) -> bool:
    """Return True for a score on a test set."""
    return name.startswith("test/")


def is_dev(name: str) -> bool:
    """Return True for a score on a development set."""
    return name.startswith("dev/")


def headline(language: str) -> str:
    """Return the name of entity F1 x 100 on a test set, for whoever opens MLflow's UI: ``F1/mean``, ``F1/sv``."""
    return f"F1/{language}"


def is_headline(name: str) -> bool:
    """Return True for what :func:`headline` gives."""
    return name.startswith("F1/")


def headlines(metrics: Mapping[str, float], languages: Sequence[str]) -> dict[str, float]:
    """Return the entity F1 of the tests, x 100 to two decimals, their mean over the targets first.

    :param metrics: of a run, 0..1.
    :param languages: of its tests, in the order to show.
    """
    known = {language: metrics.get(score("test", language, "entity_f1")) for language in (MEAN, *languages)}
    return {headline(language): round(100 * value, 2) for language, value in known.items() if value is not None}


def is_share(name: str) -> bool:
    """Return True for a score between 0 and 1, which people read times 100."""
    return name.rpartition("/")[2].endswith(("f1", "precision", "recall", "accuracy"))


def is_label_measure(measure: str) -> bool:
    """Return True for a measure of one label: ``PER/entity_f1``."""
    label, _, plain = measure.rpartition("/")
    return bool(label) and plain in LABEL_MEASURES


def unlabelled(measure: str) -> str:
    """Return the measure without its label: ``PER/entity_f1`` → ``entity_f1``."""
    return measure.rpartition("/")[2]


def is_test_f1(name: str) -> bool:
    """Return True for the entity F1 of a test set or of one of its labels."""
    return is_test(name) and name.endswith("/entity_f1")


MANIFEST: Final = "harness.json"
"""File of an exported model and of a checkpoint that says what it is."""

# --- metrics of a model and its training

PARAMETERS: Final = "model/parameters_millions"
ENCODER_PARAMETERS: Final = "model/encoder_parameters_millions"
TRAINED_PARAMETERS: Final = "model/trained_parameters_millions"
SIZE_MB: Final = "model/size_mb"
MODELS: Final = "model/count"
SECONDS: Final = "train/seconds"
STEP_SECONDS: Final = "train/step_seconds"
SENTENCES_PER_SECOND: Final = "train/sentences_per_second"
EPOCHS: Final = "train/epochs"
STEPS: Final = "train/steps"
TOKENS: Final = "train/tokens"
SENTENCES_SEEN: Final = "train/sentences_seen"
KEPT_STEP: Final = "train/kept_step"
BEST_EPOCH: Final = "train/best_epoch"
BEST_DEV_F1: Final = "train/best_dev_entity_f1"
"""Dev entity F1 of the weights that are kept; the name is older than ``trainer.selection``."""
BF16: Final = "train/bf16"
TRAIN_SENTENCES: Final = "train/sentences"
TRAIN_WINDOWED: Final = "train/windowed_sentences"
TRAIN_UNSEEN_WORDS: Final = "train/unseen_words"
INEXACT_SPANS: Final = "train/inexact_spans"
PEAK_GPU_MB: Final = "train/peak_gpu_mb"
LOSS: Final = "train/loss"
DEV_F1: Final = "train/dev_entity_f1"
IS_COLLAPSED: Final = "train/collapsed"

OF_EACH_MODEL: Final = (
    PARAMETERS, ENCODER_PARAMETERS, SIZE_MB, SECONDS, SENTENCES_PER_SECOND, BEST_DEV_F1, STEPS, SENTENCES_SEEN, TOKENS,
)  # fmt: skip
"""Reported for the run as a whole too, where it trains several models."""

SUMMED: Final = (SECONDS, SENTENCES_SEEN, TOKENS)
"""Of these the sum, which is what the run has cost; of the others, of the steps of a model too, the mean."""


def of_model(part: str, name: str) -> str:
    """Return the name of a metric of one of several models: ``sv/train/loss``."""
    return f"{part}/{name}" if part else name


# --- metrics of data, synthesis and projection

DIFFERENCES: Final = "data/differences_from_card"
MIXTURE_SENTENCES: Final = "data/mixture/sentences"


def data_count(language: str, split: str, what: str) -> str:
    """Return the name of a count of a corpus: ``data/sv/test_sentences``."""
    return f"data/{language}/{split}_{cleaned(what)}"


def mixture_count(part: str) -> str:
    """Return the name of the size of a part of the training mixture."""
    return f"data/mixture/{part}"


def unreachable(language: str, split: str = "") -> str:
    """Return the name of the count of entities that an encoder cannot express, of one split or of all."""
    what = "unreachable_entities"
    return data_count(language, split, what) if split else f"data/{language}/{what}"


def synthesis(language: str, what: str) -> str:
    """Return the name of a figure of a synthetic corpus."""
    return f"synthesis/{language}/{cleaned(what)}"


def projection(language: str, fate: str) -> str:
    """Return the name of a count of projected entities."""
    return f"projection/{language}/{cleaned(fate)}"


def cleaned(text: str) -> str:
    """Return a name that MLflow takes: a foreign label may hold what it refuses."""
    return re.sub(r"[^\w.\-: /]", "_", text)


SEEDS: Final = "seeds"
"""Of a summary: how many runs it is the mean of."""
SWEEP_FINISHED: Final = "sweep/finished"
SWEEP_FAILED: Final = "sweep/failed"
SWEEP_REMAINING: Final = "sweep/remaining"
SWEEP_BEST: Final = "sweep/best"

# --- parameters

DATA_NAME: Final = "data.name"
DATA_SOURCE: Final = "data.source"
DATA_TARGETS: Final = "data.targets"
DATA_DIGEST: Final = "data.digest"
DATA_TESTS: Final = "data.tests"
DATA_TRANSLATED: Final = "data.translated"
LEARNING_RATE: Final = "trainer.learning_rate"
WARMUP_SHARE: Final = "trainer.warmup_share"
MAX_EPOCHS: Final = "trainer.max_epochs"
MAX_STEPS: Final = "trainer.max_steps"
MAX_TOKENS: Final = "trainer.max_tokens"
THREADS: Final = "trainer.threads"
SEED: Final = "seed"
SEEDS_APART: Final = ("seeds.data", "seeds.init", "seeds.order")
"""Seeds that were set apart from the common one."""
PINNED_SEEDS: Final = "seeds.apart"
"""Which they were, in the place of their values: runs that differ in these alone are repetitions of one setting."""

ALIASES: Final = {
    "encoder": "encoder.name",
    "method": "method.name",
    "ratio": "method.ratio",
    "size": "method.size",
    "data": DATA_NAME,
    "targets": "method.targets",
}
"""Short names of parameters on the command line."""


def file_digest(group: str, key: str) -> str:
    """Return the parameter that holds the digest of a local model or file of links."""
    return f"{group}.{key}_digest"


def is_data(parameter: str) -> bool:
    """Return True for parameters that tell of content: digests and the keys of a corpus."""
    return parameter.startswith("data.") or parameter.endswith("_digest")


# --- tags

PARENT: Final = "mlflow.parentRunId"
CONTEXT: Final = "mlflow.data.context"
RUN_NAME: Final = "mlflow.runName"
COMMAND: Final = "harness.command"
PROCESS: Final = "harness.process"
REASON: Final = "harness.reason"
CHECKPOINT_STATE: Final = "harness.checkpoint"
CHECKPOINT_KEPT: Final = "kept"
CHECKPOINT_NONE: Final = "none"
CHECKPOINT_REMOVED: Final = "removed: another trial is better on dev"
COLLAPSED: Final = "harness.collapsed"
COLLAPSED_LANGUAGES: Final = "harness.collapsed_languages"
"""Of a run with several models: the target languages of those that collapsed, by comma, where others are sound."""
REBUILT: Final = "harness.rebuilt"
KIND: Final = "harness.kind"
KIND_SWEEP: Final = "sweep"
KIND_TRIAL: Final = "trial"
KIND_SUMMARY: Final = "summary"
SUMMARY_CELL: Final = "harness.cell"
"""Of a summary: digest of the parameters that its seeds share."""
SUMMARY_SWEEP: Final = "harness.sweep"
"""Of a summary: the sweep's run. It is no child of it: the UI shows children only when asked to."""
SUMMARY_OF: Final = "harness.summary_of"
"""Of a summary: the runs it is of, by comma."""
STUDY: Final = "harness.study"
TRIAL: Final = "harness.trial"
TRIAL_KEY: Final = "harness.key"
OBJECTIVE: Final = "harness.objective"
SAMPLER: Final = "harness.sampler"
SAMPLER_SEED: Final = "harness.sampler_seed"
PRUNER: Final = "harness.pruner"
PROTOCOL: Final = "protocol"
ORACLE: Final = "oracle"
LANGUAGES: Final = "languages"
SCORER: Final = "scorer"
RESTRICTED: Final = "restricted"
LEAKS: Final = "harness.leaks"
"""Test sentences that were found in the training mixture and allowed by name."""
NOTE: Final = "harness.note"
"""What a reader of a run's figures should know."""
PROXIES: Final = "harness.proxies"
"""Label-free development sets a run was scored on, with their digests."""


def cell_digest(text: str) -> str:
    """Return the digest of a cell's parameters."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


def version(package: str) -> str:
    """Return the tag of a package's version."""
    return f"version.{package}"


def ranking(kind: str) -> str:
    """Return the tag that says which place a translator or aligner has in its ranking."""
    return f"{kind}.ranking"


# --- attributes of a study's trials

STUDY_PARENT: Final = "harness.parent_run_id"
STUDY_SETTINGS: Final = "harness.settings"
TRIAL_CELL: Final = "harness.cell"
TRIAL_RUN: Final = "harness.run_id"
TRIAL_ALIVE: Final = "harness.alive"

# --- artifacts

CONFIG: Final = "config.json"
SWEEP: Final = "sweep.json"
BEST: Final = "best.json"
COMPARISON: Final = "comparison"
"""Name of a sweep's table and its picture, without their endings."""
COUNTS: Final = "counts.json"
"""Counts per sentence of every scored corpus, without text."""


def checkpoint(part: str = "") -> str:
    """Return the artifact folder of the best checkpoint, of one of several models by its name."""
    return f"checkpoint/{part}" if part else "checkpoint"


def predictions(part: str, split: str, language: str) -> str:
    """Return the artifact of the predictions on a corpus."""
    folder = f"predictions/{part}" if part else "predictions"
    return f"{folder}/{split}.{language}.jsonl"


def stored_as(split: str, language: str, part: str = "") -> str:
    """Return the name of a corpus in the counts per sentence: ``test.sv``; of a further model ``test.en@sv``."""
    return f"{split}.{language}@{part}" if part else f"{split}.{language}"


def quality_card(language: str) -> str:
    """Return the artifact of a synthetic corpus's quality card."""
    return f"synthesis/{language}.card.json"
