import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from harness.values.labels import illegal_transitions, spans_from_tags, tag_names, tags_from_spans, token_spans
from harness.values.records import Span

TAGS = st.lists(
    st.sampled_from(["O"] * 4 + [f"{prefix}-{label}" for prefix in "BIES" for label in ("PER", "LOC")]), max_size=12
)


@given(TAGS)
def test_any_tag_sequence_is_read_as_seqeval_reads_it(tags: list[str]) -> None:
    expected = [(start, end + 1, label) for label, start, end in get_entities(tags)]
    assert token_spans(tags) == expected


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("IOB1", ["I-PER", "I-PER", "O", "I-LOC", "B-LOC"]),
        ("IOB2", ["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]),
        ("BIOES", ["B-PER", "E-PER", "O", "S-LOC", "S-LOC"]),
    ],
)
def test_all_schemes_give_the_same_entities(scheme: str, tags: list[str]) -> None:
    assert token_spans(tags) == [(0, 2, "PER"), (3, 4, "LOC"), (4, 5, "LOC")]


def test_an_orphan_i_opens_an_entity_as_in_conlleval() -> None:
    assert token_spans(["O", "I-PER", "I-LOC"]) == [(1, 2, "PER"), (2, 3, "LOC")]
    assert illegal_transitions(["O", "I-PER", "I-LOC", "I-LOC"]) == 2


@given(st.data())
def test_spans_survive_tags_and_back_over_any_tokens(data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=8))
    gaps = data.draw(st.lists(st.integers(0, 2), min_size=len(lengths), max_size=len(lengths)))
    tokens, position = [], 0
    for length, gap in zip(lengths, gaps, strict=True):
        tokens.append((position, position + length))
        position += length + gap
    spans, index = [], 0
    while index < len(tokens):
        last = data.draw(st.integers(index, len(tokens) - 1))
        if data.draw(st.booleans()):
            spans.append(Span(tokens[index][0], tokens[last][1], data.draw(st.sampled_from(["PER", "LOC"]))))
        index = last + 1
    tags, inexact = tags_from_spans(spans, tokens)
    assert inexact == 0
    assert list(spans_from_tags(tags, tokens)) == spans


def test_an_edge_inside_a_token_is_counted() -> None:
    # '500mg' as one token: a span over '500' alone can only be written as the whole token.
    tags, inexact = tags_from_spans([Span(0, 3, "X")], [(0, 5)])
    assert (tags, inexact) == (["B-X"], 1)


def test_tag_names_begin_with_o_and_follow_the_card() -> None:
    assert tag_names(["LOC", "PER"]) == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
