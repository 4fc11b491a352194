"""Several prediction files of a system, one for each seed, against those of another: ``harness evaluate GOLD A1 A2 A3
--against B1 --against B2 --against B3``.

The intervals are those of ``harness compare``: over sentences, which all files share, and over seeds. Where there are
as many files of both systems, the first ones are paired, the second ones, and so on.
"""

import statistics
from collections.abc import Sequence
from typing import Any

from harness.evaluation.resampling import System, Tested, draw
from harness.evaluation.verdicts import REGION, Difference, difference
from harness.workflows.evaluate_files import Scored

MEASURES = ("entity_f1", "span_f1")


def system_values(files: Sequence[Scored]) -> dict[str, Any]:
    """Return each measure's mean over the files of a system and its sample standard deviation, 0..1."""
    values = [scored.as_json() for scored in files]
    found: dict[str, Any] = {"files": len(files)}
    for name, first in values[0].items():
        if isinstance(first, float):
            own = [one.get(name, 0.0) for one in values]
            found[name] = statistics.fmean(own)
            if len(own) > 1:
                found[f"{name}_sd"] = statistics.stdev(own)
    return found


def compare_systems(
    first: Sequence[Scored], second: Sequence[Scored], *, region: float = REGION
) -> dict[str, Difference]:
    """Return how far the first system is above the second, by measure.

    :param first, second: scores of each seed's file on the same gold.
    :param region: half-width of the region of practical equivalence, 0..1.
    """
    found = {}
    for measure in MEASURES:
        systems = [
            System(name, {"test": Tested("gold", {f"{place}": one.counts for place, one in enumerate(files)})})
            for name, files in (("first", first), ("second", second))
        ]
        left, right = draw(systems, measure)
        found[measure] = difference(left, right, region=region)
    return found


def as_object(found: Difference) -> dict[str, Any]:
    """Return a difference for JSON."""
    return {
        "difference": found.value, "low": found.interval.low, "high": found.interval.high, "p_value": found.p_value,
        "verdict": found.verdict, "covers": list(found.covers),
    }  # fmt: skip
