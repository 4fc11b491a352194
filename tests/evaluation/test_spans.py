import pytest
from hypothesis import given
from hypothesis import strategies as st
from nervaluate.entities import Entity
from nervaluate.strategies import EntityTypeEvaluation, PartialEvaluation

from harness.evaluation.measures import measures
from harness.evaluation.spans import COLUMN, count_spans
from harness.values.records import Span

LABELS = ("PER", "LOC")


@st.composite
def span_lists(draw: st.DrawFn) -> list[Span]:
    """Spans of one sentence that do not overlap."""
    spans, position = [], 0
    while position < 12 and draw(st.booleans()):
        start = draw(st.integers(position, 12))
        end = draw(st.integers(start + 1, start + 4))
        spans.append(Span(start, end, draw(st.sampled_from(LABELS))))
        position = end
    return spans


def nervaluate_entities(spans: list[Span]) -> list[Entity]:
    return [Entity(label=span.label, start=span.start, end=span.end - 1) for span in spans]  # its ends are inclusive


@given(span_lists(), span_lists())
def test_partial_and_type_f1_equal_nervaluate(gold: list[Span], predicted: list[Span]) -> None:
    found = measures(count_spans([gold], [predicted]), LABELS)
    arguments = (nervaluate_entities(gold), nervaluate_entities(predicted), list(LABELS))
    assert found["partial_f1"] == pytest.approx(PartialEvaluation().evaluate(*arguments)[0].f1)
    assert found["type_f1"] == pytest.approx(EntityTypeEvaluation().evaluate(*arguments)[0].f1)


@given(st.lists(st.tuples(span_lists(), span_lists()), max_size=5))
def test_every_entity_has_exactly_one_fate(pairs: list[tuple[list[Span], list[Span]]]) -> None:
    counts = count_spans([gold for gold, _ in pairs], [predicted for _, predicted in pairs], LABELS)
    one = dict(zip(COLUMN, counts.summed().tolist(), strict=True))
    shared = one["exact"] + one["boundary"] + one["label"] + one["boundary_and_label"]
    assert one["gold"] == shared + one["missed"]
    assert one["predicted"] == shared + one["spurious"]
    assert (sum(table.sum(axis=0) for table in counts.by_label.values()) == counts.summed()).all()


@given(st.lists(st.tuples(span_lists(), span_lists()), max_size=5))
def test_measures_lie_between_zero_and_one(pairs: list[tuple[list[Span], list[Span]]]) -> None:
    counts = count_spans([gold for gold, _ in pairs], [predicted for _, predicted in pairs])
    found = measures(counts, LABELS)
    assert all(
        0.0 <= value <= 1.0
        for name, value in found.items()
        if not name.startswith(("errors_", "gold_", "predicted_", "empty_"))
    )


def test_all_measures_by_hand() -> None:
    gold = [Span(0, 4, "PER"), Span(5, 9, "LOC"), Span(10, 14, "LOC"), Span(20, 24, "PER")]
    predicted = [Span(0, 4, "PER"), Span(5, 9, "PER"), Span(10, 12, "LOC"), Span(30, 33, "LOC")]
    # exact: 0-4. same span, other label: 5-9. boundary: 10-12. missed: 20-24. spurious: 30-33.
    found = measures(count_spans([gold], [predicted]), LABELS)
    expected = {
        "entity_f1": 2 * 1 / 8,
        "entity_precision": 1 / 4,
        "span_f1": 2 * 2 / 8,
        "span_accuracy": 2 / 6,  # 4 + 4 - 2 spans in the union
        "label_accuracy": 1 / 2,
        "partial_f1": (2 * 2 + 1) / 8,
        "type_f1": 2 * 2 / 8,  # 0-4 and 10-12
        "errors_boundary": 1,
        "errors_label": 1,
        "errors_boundary_and_label": 0,
        "errors_missed": 1,
        "errors_spurious": 1,
        "LOC/entity_recall": 0.0,
        "PER/entity_recall": 1 / 2,
        "PER/entity_precision": 1 / 2,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_nothing_predicted_and_nothing_to_find_score_zero() -> None:
    assert measures(count_spans([[Span(0, 1, "PER")]], [[]]), LABELS)["entity_f1"] == 0.0
    assert measures(count_spans([[]], [[]]), LABELS)["entity_f1"] == 0.0
    assert measures(count_spans([], []), LABELS)["entity_f1"] == 0.0


def test_different_numbers_of_sentences_are_refused() -> None:
    with pytest.raises(ValueError, match="1 gold sentences and 0 predicted"):
        count_spans([[]], [])


SPANS = st.lists(
    st.builds(lambda start, size, label: Span(start, start + size, label), st.integers(0, 8), st.integers(1, 5),
              st.sampled_from(LABELS)), max_size=6,
)  # fmt: skip


@given(st.lists(st.tuples(span_lists(), SPANS), min_size=1, max_size=4))
def test_overlapping_predictions_never_exceed_one_and_lose_no_exact_match(
    pairs: list[tuple[list[Span], list[Span]]],
) -> None:
    counts = count_spans([gold for gold, _ in pairs], [predicted for _, predicted in pairs])
    found = measures(counts, LABELS)
    rates = {
        name: value
        for name, value in found.items()
        if not name.startswith(("errors_", "gold_", "predicted_", "empty_"))
    }
    assert all(0.0 <= value <= 1.0 for value in rates.values()), rates
    total = dict(zip(COLUMN, counts.summed().tolist(), strict=True))
    # Gold spans do not overlap, so each is matched exactly where any prediction equals it.
    assert total["exact"] == sum(len(set(gold) & set(predicted)) for gold, predicted in pairs)
    assert total["same_span"] == sum(
        len({span[:2] for span in gold} & {span[:2] for span in predicted}) for gold, predicted in pairs
    )
    assert total["exact"] <= total["type"] <= min(total["gold"], total["predicted"])


def test_an_overlapping_prediction_does_not_take_an_exact_partner() -> None:
    # (0, 5) comes first and overlaps; (0, 9) is the entity.
    counts = count_spans([[Span(0, 9, "PER")]], [[Span(0, 5, "PER"), Span(0, 9, "PER")]])
    total = dict(zip(COLUMN, counts.summed().tolist(), strict=True))
    assert (total["exact"], total["same_span"], total["type"], total["partial"]) == (1, 1, 1, 0)
