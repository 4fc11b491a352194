"""What became of each entity: found, found in part, missed, or made up. Each has one fate, so that errors add up.

gold = exact + boundary + label + boundary_and_label + missed, and the same with spurious for predicted.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from harness.values.records import Span

EXACT = "exact"


class Fate(NamedTuple):
    """One entity, or a pair of a gold and a predicted one.

    :param kind: exact, boundary, label, boundary_and_label, missed or spurious.
    :param gold: None for a spurious one.
    :param predicted: None for a missed one.
    """

    kind: str
    gold: Span | None
    predicted: Span | None

    @property
    def label(self) -> str:
        """The label it is booked under: gold's, where there is one."""
        span = self.gold or self.predicted
        assert span is not None
        return span.label


def overlap(left: Span, right: Span) -> bool:
    """Return True if two spans share a character."""
    return left[0] < right[1] and right[0] < left[1]


_KINDS: tuple[tuple[str, Callable[[Span, Span], bool]], ...] = (
    ("label", lambda a, b: a[:2] == b[:2]),
    ("boundary", lambda a, b: a[2] == b[2] and overlap(a, b)),
    ("boundary_and_label", overlap),
)
"""Kinds of a pair that is not exact, the closest first."""


def fates(gold: Sequence[Span], predicted: Sequence[Span]) -> list[Fate]:
    """Pair each entity of a sentence at most once, closest kind first; what stays alone is missed or spurious."""
    found = []
    left, right = list(gold), list(predicted)
    for span in predicted:
        if span in left:
            left.remove(span)
            right.remove(span)
            found.append(Fate(EXACT, span, span))
    for kind, fits in _KINDS:
        for span in list(right):
            partner = next((candidate for candidate in left if fits(candidate, span)), None)
            if partner is not None:
                left.remove(partner)
                right.remove(span)
                found.append(Fate(kind, partner, span))
    found += [Fate("missed", span, None) for span in left]
    return found + [Fate("spurious", None, span) for span in right]
