"""From counts to measures, all in 0..1: micro over the entities of a test set, or a mean over its labels.

Zero division: a ratio with an empty denominator is 0, as in seqeval, except that ``label_accuracy`` and
``span_accuracy`` of nothing are 0 too (never 1: an empty prediction is no success). Higher is better throughout.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.spans import COLUMN, ERROR_KINDS, Counts
from harness.values.names import (
    EMPTY_LABELS,
    LABEL_MEASURES,
    MACRO_F1,
    MEASURES,
    MICRO_MEASURES,
    is_label_measure,
)

Numbers = NDArray[np.float64]


def _ratio(numerator: Numbers, denominator: Numbers) -> Numbers:
    ratio: Numbers = np.divide(numerator, denominator, out=np.zeros_like(numerator, dtype=float), where=denominator > 0)
    return ratio


def measure(name: str, sums: NDArray[np.generic]) -> Numbers:
    """Return one measure.

    :param sums: counts, shape (..., len(COLUMNS)).
    :returns: shape (...), in 0..1.

    ========================  ==================================================================
    entity_precision          exact / predicted
    entity_recall             exact / gold
    entity_f1                 2 exact / (gold + predicted): exact span and label
    span_*                    the same with the label ignored
    span_accuracy             same_span / (gold + predicted - same_span): matched of gold ∪ predicted
    label_accuracy            exact / same_span
    partial_f1                2 (same_span + partial / 2) / (gold + predicted), SemEval-2013 partial
    type_f1                   2 type / (gold + predicted), SemEval-2013 type
    ========================  ==================================================================

    :raises KeyError: no such measure.
    """
    values = np.asarray(sums, dtype=float)
    count = {column: values[..., index] for column, index in COLUMN.items()}
    both = count["gold"] + count["predicted"]
    fraction: dict[str, tuple[Numbers, Numbers]] = {
        "entity_precision": (count["exact"], count["predicted"]),
        "entity_recall": (count["exact"], count["gold"]),
        "entity_f1": (2 * count["exact"], both),
        "span_precision": (count["same_span"], count["predicted"]),
        "span_recall": (count["same_span"], count["gold"]),
        "span_f1": (2 * count["same_span"], both),
        "span_accuracy": (count["same_span"], both - count["same_span"]),
        "label_accuracy": (count["exact"], count["same_span"]),
        "partial_f1": (2 * count["same_span"] + count["partial"], both),
        "type_f1": (2 * count["type"], both),
    }
    return _ratio(*fraction[name])


def measures(counts: Counts, labels: Sequence[str]) -> dict[str, float]:
    """Return all measures of a test set, those of each label as ``label/measure``, and the error counts.

    A label that neither gold nor a prediction has is empty: it has no measures here, where seqeval's report writes 0,
    and ``entity_macro_f1`` does not count it. A label that is predicted and never gold counts, with an F1 of 0.

    :param labels: labels to report apart.
    """
    sums = counts.summed()
    values = {name: float(measure(name, sums)) for name in MICRO_MEASURES}
    label_sums = {
        label: counts.by_label[label].sum(axis=0, dtype=np.int64) for label in labels if label in counts.by_label
    }
    present = {label: own for label, own in label_sums.items() if own[COLUMN["gold"]] or own[COLUMN["predicted"]]}
    by_label = {
        f"{label}/{name}": float(measure(name, own)) for label, own in present.items() for name in LABEL_MEASURES
    }
    values[MACRO_F1] = float(np.mean([by_label[f"{label}/entity_f1"] for label in present])) if present else 0.0
    values[EMPTY_LABELS] = float(len(labels) - len(present))
    values |= {f"errors_{kind}": float(sums[COLUMN[kind]]) for kind in ERROR_KINDS}
    values["gold_entities"] = float(sums[COLUMN["gold"]])
    values["predicted_entities"] = float(sums[COLUMN["predicted"]])
    return values | by_label


def mean_over_languages(by_language: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return the macro mean of the measures over languages; empty for no language.

    A label's mean is over the languages that have it; ``empty_labels`` counts the cells left out.

    :param by_language: the same measures of each language, all or some of them.
    """
    if not by_language:
        return {}
    languages = list(by_language.values())
    means = {name: float(np.mean([values[name] for values in languages])) for name in MEASURES if name in languages[0]}
    for name in dict.fromkeys(name for values in languages for name in values if is_label_measure(name)):
        means[name] = float(np.mean([values[name] for values in languages if name in values]))
    if EMPTY_LABELS in languages[0]:
        means[EMPTY_LABELS] = float(sum(values[EMPTY_LABELS] for values in languages))
    return means
