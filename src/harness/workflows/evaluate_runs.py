"""Testing two runs against each other from the counts per sentence they stored: ``harness evaluate RUN --against RUN``.

Neither gold nor predictions are needed, so it works for restricted corpora too. What is swapped between the two runs is
a document where the source knows documents, else a sentence.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.evaluation.measures import measure
from harness.evaluation.significance import paired_permutation
from harness.evaluation.stored import StoredCounts, from_text
from harness.tracking.records import Record
from harness.tracking.store import Store
from harness.values import names
from harness.values.errors import UsageError, listing

MEASURES = ("entity_f1", "span_f1")


@dataclass(frozen=True)
class Tested:
    """One test set in two runs.

    :param name: ``test.sv``.
    :param scores: measure → both scores, their difference (first minus second) and its two-sided p value.
    """

    name: str
    sentences: int
    scores: Mapping[str, tuple[float, float, float, float]]

    def as_object(self) -> dict[str, object]:
        """Return it for JSON."""
        values: dict[str, object] = {"corpus": self.name, "sentences": self.sentences}
        for name, (first, second, difference, p_value) in self.scores.items():
            values |= {name: first, f"{name}_against": second}
            values |= {f"{name}_difference": difference, f"{name}_p_value": p_value}
        return values


def stored_counts(store: Store, record: Record) -> dict[str, StoredCounts]:
    """Return the counts of a run by corpus.

    :raises UsageError: the run stored none.
    """
    text = store.text(record.run_id, names.COUNTS)
    if text is None:
        raise UsageError(
            f"run {record.run_id} has no counts per sentence that can be fetched: it is of an older version, or its "
            "artifacts are elsewhere"
        )
    return from_text(text)


def compare_runs(store: Store, first: Record, second: Record, *, split: str, seed: int = 0) -> list[Tested]:
    """Test two runs against each other on every test set that both were scored on.

    :param split: ``test`` or ``dev``.
    :raises UsageError: they share none, or one changed between them.
    """
    left, right = stored_counts(store, first), stored_counts(store, second)
    shared = [name for name in left if name in right and name.startswith(f"{split}.")]
    if not shared:
        raise UsageError(f"the two runs share no {split} set: {listing(left)} against {listing(right)}")
    changed = [name for name in shared if left[name].digest != right[name].digest]
    if changed:
        raise UsageError(f"{listing(changed)} changed between the two runs, so their sentences cannot be paired")
    tested = []
    for name in shared:
        scores = {}
        for what in MEASURES:
            pair = left[name].by_document, right[name].by_document
            test = paired_permutation(*pair, what, seed=seed)
            values = [float(measure(what, counts.summed())) for counts in pair]
            scores[what] = (values[0], values[1], test.difference, test.p_value)
        tested.append(Tested(name, len(left[name].counts.total), scores))
    return tested
