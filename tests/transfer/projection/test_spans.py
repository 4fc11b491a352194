"""Projection rule by rule, and the properties that must hold for any links."""

from hypothesis import given
from hypothesis import strategies as st

from harness.config import ProjectionCard
from harness.transfer.align.contract import Links
from harness.transfer.align.words import alignment_text
from harness.transfer.projection.pair import pair_of
from harness.transfer.projection.spans import fate_counts, project_spans
from harness.values.records import Sentence
from tests.transfer.project_cases import annotated, labelled, project, surfaces


def test_two_spans_that_claim_one_token_share_or_lose_it() -> None:
    source = labelled("Sea Bream , Trout", "Sea Bream/X", "Trout/X")
    found = project(source, "besugos , truchas", "0-0 1-0 1-2? 3-2")
    assert surfaces("besugos , truchas", found) == ["besugos", "truchas"]
    merged = project(labelled("New York City", "New York/X", "City/X"), "Nuevayork", "0-0 1-0 2-0")
    assert (len(merged.spans), merged.account.sum_of("merged"), merged.account.sum_of("dropped")) == (1, 1, 0)
    claimed = project(labelled("500 mg", "500/A", "mg/B"), "500mg", "0-0 1-0", anchors=False, copy_verbatim=False)
    assert claimed.account.sum_of("projected") + claimed.account.sum_of("dropped") == 2
    assert claimed.account.sum_of("dropped/claimed") == 1


def test_two_target_runs_are_one_entity_or_both() -> None:
    source, target = labelled("Anna came and Anna left", "Anna/PER"), "Ana vino, luego salió hoy mismo Ana"
    links = "0-0 0-7 1-1 4-4"
    assert surfaces(target, project(source, target, links)) == ["Ana"]
    both = project(source, target, links, pieces="all")
    assert surfaces(target, both) == ["Ana", "Ana"]
    assert (both.account.sum_of("split"), both.account.sum_of("pieces"), fate_counts(both.account)["source"]) == (
        1,
        1,
        1,
    )


def test_further_runs_take_no_token_of_another_entity() -> None:
    source = labelled("Anna Maria Tomas", "Anna Maria/PER", "Tomas/LOC")
    target = "Ana María Tomás y luego Tomás"
    found = project(source, target, "0-0 1-1 2-2 0-5? 1-2?", pieces="all")
    assert [(target[span.start : span.end], span.label) for span in found.spans][:2] == [
        ("Ana María", "PER"),
        ("Tomás", "LOC"),
    ]
    assert not found.lost


def test_unexplained_words_are_where_a_lost_entity_may_stand() -> None:
    found = project(labelled("Bert sees Anna", "Bert/PER"), "Quien mira Ana ?", "1-1 2-2")
    assert found.lost
    assert found.unexplained == ((0, 5),)


@given(annotated())
def test_identity_links_project_every_span_unchanged(source: Sentence) -> None:
    offsets = alignment_text(source).offsets
    links = {(place, place): 1.0 for place in range(len(offsets))}
    target = source.with_spans(())
    found = project_spans(pair_of(source, target, links, offsets=(offsets, offsets)))
    assert found.spans == source.spans
    assert found.account.sum_of("dropped") == 0


@given(annotated(), st.randoms(use_true_random=False))
def test_there_and_back_returns_the_original(source: Sentence, random: object) -> None:
    """The target has the same words in runs of another order; each span stays together."""
    offsets = alignment_text(source).offsets
    # Blocks: each span is one, each other word is one; the target has them reversed.
    blocks, place = [], 0
    for span in source.spans:
        inside = [n for n, (start, _) in enumerate(offsets) if span.start <= start < span.end]
        blocks += [[n] for n in range(place, inside[0])] + [inside]
        place = inside[-1] + 1
    blocks += [[n] for n in range(place, len(offsets))]
    order = [n for block in reversed(blocks) for n in block]
    words = [source.text[slice(*offsets[n])] for n in order]
    made, at = [], 0
    for word in words:
        made.append((at, at + len(word)))
        at += len(word) + 1
    target = Sentence("1", " ".join(words), "es", (), tuple(made))
    links = {(n, place): 1.0 for place, n in enumerate(order)}
    rules = ProjectionCard()
    there = project_spans(pair_of(source, target, links, offsets=(offsets, tuple(made)), rules=rules))
    turned = {(j, i): weight for (i, j), weight in links.items()}
    pair = pair_of(
        target.with_spans(there.spans), source.with_spans(()), turned, offsets=(tuple(made), offsets), rules=rules
    )
    back = project_spans(pair)
    assert back.spans == source.spans


@given(
    annotated(), annotated(), st.dictionaries(st.tuples(st.integers(0, 8), st.integers(0, 8)), st.floats(0.1, 1.0)),
    st.fixed_dictionaries({name: st.booleans() for name in
                           ("anchors", "punctuation", "articles", "extend", "characters", "copy_verbatim", "narrow",
                            "assignment")}),
    st.sampled_from(["best", "all"]),
)  # fmt: skip
def test_the_account_always_adds_up_and_spans_are_sound(
    source: Sentence, other: Sentence, links: Links, switches: dict[str, bool], pieces: str
) -> None:
    one, two = alignment_text(source).offsets, alignment_text(other).offsets
    inside = {(i, j): w for (i, j), w in links.items() if i < len(one) and j < len(two)}
    rules = ProjectionCard(**switches, pieces=pieces)  # type: ignore[arg-type]
    found = project_spans(pair_of(source, other.with_spans(()), inside, offsets=(one, two), rules=rules))
    totals = fate_counts(found.account)
    assert totals["source"] == len(source.spans)
    assert totals["projected"] + totals["dropped"] == len(source.spans)
    assert len(found.spans) == totals["projected"] - totals.get("merged", 0) + totals.get("pieces", 0)
    other.with_spans(found.spans)  # refuses overlapping, empty or blank-edged spans
    for label in {span.label for span in source.spans}:
        own = sum(span.label == label for span in source.spans)
        assert totals[f"{label}/projected"] + totals[f"{label}/dropped"] == own
