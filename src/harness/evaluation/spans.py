"""Counts per sentence, once, as arrays; every measure is a ratio of their sums.

All matching is between two lists of spans of one sentence that do not overlap within a list (an overlap in
somebody's predictions is scored, each span once). Exact matching is conlleval's and seqeval's default;
``partial`` and ``type`` follow SemEval-2013 task 9 (Segura-Bedmar et al. 2013,
https://aclanthology.org/S13-2056, section 4) as nervaluate reads it, with any shared character as overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.fates import fates, overlap
from harness.values.records import Span

COLUMNS = (
    "gold",  # gold entities
    "predicted",  # predicted entities
    "exact",  # same span, same label
    "same_span",  # same span, any label
    "partial",  # overlap without the same span, any label (SemEval partial; each entity once)
    "type",  # overlap and same label (SemEval type; each entity once)
    "boundary",  # error: overlap, same label, other span
    "label",  # error: same span, other label
    "boundary_and_label",  # error: overlap, other label, other span
    "missed",  # error: gold entity without any partner
    "spurious",  # error: predicted entity without any partner
)
COLUMN = {name: index for index, name in enumerate(COLUMNS)}
ERROR_KINDS = ("boundary", "label", "boundary_and_label", "missed", "spurious")


@dataclass(frozen=True)
class Counts:
    """Counts of a test set.

    :param total: shape (sentences, len(COLUMNS)).
    :param by_label: label → array of the same shape; errors and matches are booked under the gold label,
        ``predicted`` and ``spurious`` under the predicted one.
    """

    total: NDArray[np.int32]
    by_label: Mapping[str, NDArray[np.int32]]

    def summed(self) -> NDArray[np.int64]:
        """Return the counts over all sentences, shape (len(COLUMNS),)."""
        return np.asarray(self.total.sum(axis=0, dtype=np.int64))


_ALL_RIGHT = tuple(COLUMN[column] for column in ("gold", "predicted", "exact", "same_span", "type"))
"""Columns of an entity in a sentence without an error."""


def count_spans(
    gold: Sequence[Iterable[Span]], predicted: Sequence[Iterable[Span]], labels: Sequence[str] = ()
) -> Counts:
    """Count matches and errors of each sentence.

    :param gold: one iterable of spans per sentence.
    :param predicted: the same sentences in the same order.
    :param labels: labels to count apart, besides those that occur.
    :raises ValueError: the two have different numbers of sentences.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold sentences and {len(predicted)} predicted ones")
    rows = len(gold)
    met = {span[2] for side in (gold, predicted) for sentence in side for span in sentence}
    names = list(dict.fromkeys([*labels, *sorted(met)]))
    width = len(COLUMNS)
    begins = {name: number * rows * width for number, name in enumerate(names)}
    cells: list[int] = []  # one for each event; counting them at once is ten times as fast as one by one
    for row, (left, right) in enumerate(zip(gold, predicted, strict=True)):
        if not left and not right:
            continue
        place = row * width
        left, right = sorted(left), sorted(right)
        if left == right:  # most sentences of a good model
            for _, _, label in left:
                begin = begins[label] + place
                cells += [begin + column for column in _ALL_RIGHT]
        else:
            cells += [begins[label] + place + COLUMN[column] for label, column in _sentence_events(left, right)]
    counted = np.bincount(np.array(cells, dtype=np.int64), minlength=len(names) * rows * width)
    table = counted.astype(np.int32).reshape(len(names), rows, width)
    return Counts(table.sum(axis=0, dtype=np.int32), {name: table[number] for number, name in enumerate(names)})


def _sentence_events(gold: list[Span], predicted: list[Span]) -> Iterable[tuple[str, str]]:
    """Yield (label, column) once for everything there is to count."""
    events = [(span[2], "gold") for span in gold]
    events += [(span[2], "predicted") for span in predicted]
    events += _partial_events(gold, predicted)
    events += _type_events(gold, predicted)
    events += _error_events(gold, predicted)
    return events


def _partial_events(gold: list[Span], predicted: list[Span]) -> list[tuple[str, str]]:
    """SemEval partial: the label is ignored; a prediction takes the same span, else the first overlapping one.

    Equal spans are paired before any others: where predictions overlap, one could otherwise take the entity that
    another has exactly.
    """
    free = list(gold)
    events = []
    left = []
    for span in predicted:
        same = next((candidate for candidate in free if candidate[:2] == span[:2]), None)
        if same is None:
            left.append(span)
            continue
        free.remove(same)
        events.append((same[2], "same_span"))
    for span in left:
        partner = next((candidate for candidate in free if overlap(span, candidate)), None)
        if partner is not None:
            free.remove(partner)
            events.append((partner[2], "partial"))
    return events


def _type_events(gold: list[Span], predicted: list[Span]) -> list[tuple[str, str]]:
    """SemEval type: any overlap with the same label is correct; the nearest boundaries are taken first.

    A prediction that overlaps only entities of other labels uses up the first of them (incorrect). Exact matches are
    paired before any others.
    """
    free = list(gold)
    events = []
    left = []
    for span in predicted:
        if span in free:
            free.remove(span)
            events.append((span[2], "type"))
        else:
            left.append(span)
    for span in left:
        touching = [candidate for candidate in free if overlap(span, candidate)]
        same = [candidate for candidate in touching if candidate[2] == span[2]]
        if same:
            partner = min(same, key=lambda candidate: abs(candidate[0] - span[0]) + abs(candidate[1] - span[1]))
            events.append((partner[2], "type"))
            free.remove(partner)
        elif touching:
            free.remove(touching[0])
    return events


def _error_events(gold: list[Span], predicted: list[Span]) -> list[tuple[str, str]]:
    """Book each fate under the gold label, a spurious one under its own."""
    return [(fate.label, fate.kind) for fate in fates(gold, predicted)]
