"""Which label-free score ranks models of different methods: the best-founded proxy that all of them have.

Source dev ranks nothing but source-language skill: over methods its correlation with target F1 was 0.07 where a model
with less than half the target F1 had the best source dev score. docs/evaluation.md has the measurements behind the
order here.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from harness.values import names

ORDER = ("synthetic_dev", "translated_dev")
"""Proxies by how well they ranked models against target gold, the best first."""


class Scored(Protocol):
    """A run as it was tracked."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """Last values."""
        ...

    @property
    def params(self) -> Mapping[str, str]:
        """Parameters."""
        ...

    @property
    def tags(self) -> Mapping[str, str]:
        """Tags."""
        ...


def recipe(params: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return what makes the dev set of a run's mixture: dev scores of other recipes are of other sentences."""
    keys = (names.DATA_NAME, names.DATA_DIGEST, names.DATA_TRANSLATED)
    return tuple(sorted((k, v) for k, v in params.items() if k.startswith("method.") or k in keys))


def proxy_of(record: Scored, split: str, language: str) -> tuple[float, str] | None:
    """Return a run's entity F1 on a proxy, and the digests of its corpora: scores of others are not comparable.

    :param split: one of :data:`ORDER`.
    :param language: a target, or ``mean``.
    """
    score = record.metrics.get(names.score(split, language, "entity_f1"))
    digests = [
        entry
        for entry in record.tags.get(names.PROXIES, "").split(",")
        if entry.startswith(f"{split}.") and (language == names.MEAN or entry.startswith(f"{split}.{language}="))
    ]
    return None if score is None else (score, ",".join(digests))


def rank_by(records: Sequence[Scored], language: str = names.MEAN) -> str | None:
    """Return the metric that may rank runs: a proxy they share, else the dev set of their mixture where it is the same
    recipe; nothing where they have no common measure.
    """
    split = best_founded(records, language)
    if split is not None:
        return names.score(split, language, "entity_f1")
    one = len({recipe(record.params) for record in records}) == 1
    return names.BEST_DEV_F1 if one and all(names.BEST_DEV_F1 in record.metrics for record in records) else None


def best_founded(records: Sequence[Scored], language: str = names.MEAN) -> str | None:
    """Return the first proxy in :data:`ORDER` on which all runs were scored, on the same sentences; or nothing."""
    for split in ORDER:
        scored = [proxy_of(record, split, language) for record in records]
        if scored and all(scored) and len({one[1] for one in scored if one}) == 1:
            return split
    return None
