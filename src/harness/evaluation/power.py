"""What a test set can tell: the smallest difference between two systems that it shows four times in five.

Two systems are compared on the same sentences. Each finds an entity or does not, and mostly both or neither do; only
entities on which they differ bear on the difference. Its standard error follows from their number, and the smallest
difference with power 0.8 in a two-sided test at 0.05 is 2.80 standard errors (Card et al. 2020, "With Little Power
Comes Great Responsibility", https://aclanthology.org/2020.emnlp-main.745, section 4, for paired accuracies; F1 of
systems that predict about as many entities as there are behaves as the share found).

Over seeds, documents and languages a difference varies more: this is the least that must be asked for.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

ASSUMED_F1 = 0.8
"""Of the systems to be told apart: where the better published recognisers of clinical and general tests stand."""

AGREEMENT = 0.5
"""Correlation of what two systems find, 0..1: between methods 0.45 to 0.6 was measured, between seeds of one setting
0.75 (docs/evaluation.md). It contains what goes together within a sentence."""


def smallest_difference(
    entities: Sequence[int],
    *,
    f1: float = ASSUMED_F1,
    agreement: float = AGREEMENT,
    power: float = 0.8,
    level: float = 0.05,
) -> float:
    """Return the smallest difference of entity F1, 0..1, that a paired test finds with some power.

    :param entities: gold entities of each sentence.
    :param f1: of the systems, between 0 and 1.
    :param agreement: correlation of what they find, 0..1.
    :returns: 1 where no difference can be found: a test without entities.
    """
    count = sum(entities)
    if not count:
        return 1.0
    variance = 2 * f1 * (1 - f1) * (1 - agreement)
    normal = NormalDist()  # scipy's takes a second to load, and data commands wait for it
    quantiles = normal.inv_cdf(1 - level / 2) + normal.inv_cdf(power)
    return min(1.0, quantiles * math.sqrt(variance / count))
