from hypothesis import given
from hypothesis import strategies as st

from harness.evaluation.fates import fates
from harness.evaluation.spans import COLUMN, ERROR_KINDS, count_spans
from harness.values.records import Span

spans = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 3), st.sampled_from("XY")).map(lambda t: Span(t[0], t[0] + t[1], t[2])),
    max_size=4,
    unique_by=lambda span: span[0],
).map(lambda found: [one for i, one in enumerate(sorted(found)) if i == 0 or sorted(found)[i - 1].end <= one.start])


def test_each_kind() -> None:
    gold = [Span(0, 2, "X"), Span(3, 5, "X"), Span(6, 9, "X"), Span(10, 13, "X"), Span(20, 22, "X")]
    found = [Span(0, 2, "X"), Span(3, 5, "Y"), Span(6, 8, "X"), Span(11, 14, "Y"), Span(30, 31, "Y")]
    kinds = {(one.kind, one.gold, one.predicted) for one in fates(gold, found)}
    assert kinds == {
        ("exact", gold[0], found[0]), ("label", gold[1], found[1]), ("boundary", gold[2], found[2]),
        ("boundary_and_label", gold[3], found[3]), ("missed", gold[4], None), ("spurious", None, found[4]),
    }  # fmt: skip


@given(spans, spans)
def test_fates_are_what_is_counted(gold: list[Span], predicted: list[Span]) -> None:
    found = [one.kind for one in fates(gold, predicted)]
    counted = count_spans([gold], [predicted]).summed()
    assert {kind: found.count(kind) for kind in ERROR_KINDS} == {kind: counted[COLUMN[kind]] for kind in ERROR_KINDS}
    assert sum(one.gold is not None for one in fates(gold, predicted)) == len(gold)
    assert sum(one.predicted is not None for one in fates(gold, predicted)) == len(predicted)
