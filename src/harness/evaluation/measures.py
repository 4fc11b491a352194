"""From counts to measures: DESIGN's names, all in 0..1, micro over the entities of a test set.

Zero division: a ratio with an empty denominator is 0, as in seqeval, except that ``label_accuracy`` and
``span_accuracy`` of nothing are 0 too (never 1: an empty prediction is no success). Higher is better throughout.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.spans import COLUMN, ERROR_KINDS, Counts
from harness.values.names import LABEL_MEASURES, MEASURES

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

    :param labels: labels to report apart, those without an entity too.
    """
    sums = counts.summed()
    values = {name: float(measure(name, sums)) for name in MEASURES}
    values |= {f"errors_{kind}": float(sums[COLUMN[kind]]) for kind in ERROR_KINDS}
    values["gold_entities"] = float(sums[COLUMN["gold"]])
    values["predicted_entities"] = float(sums[COLUMN["predicted"]])
    for label in labels:
        table = counts.by_label.get(label)
        label_sums = np.zeros_like(sums) if table is None else table.sum(axis=0, dtype=np.int64)
        values |= {f"{label}/{name}": float(measure(name, label_sums)) for name in LABEL_MEASURES}
    return values


def mean_over_languages(by_language: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return the macro mean of the plain measures over languages; empty for no language."""
    if not by_language:
        return {}
    return {name: float(np.mean([values[name] for values in by_language.values()])) for name in MEASURES}
