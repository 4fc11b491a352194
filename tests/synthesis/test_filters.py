import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.synthesis import FilterSettings
from harness.synthesis.filters import References, filter_sentences, is_broken, script_share
from harness.values.records import Sentence, Span
from tests.synthesis.filters_cases import OFF, reasons, sentences


def test_each_filter_drops_what_it_names_and_nothing_else() -> None:
    fine = "Det regnar mycket i Malmö i dag"
    assert reasons(sentences(fine, "Malm\x04o", "ok \ufffd"), broken_text=True) == {"broken_text": 2}
    assert reasons(sentences(fine, "Han bor i [...]", "Token1 är här"), placeholders=True) == {"placeholders": 2}
    assert reasons(sentences(fine, "Ja ."), fewest_words=3) == {"too_short": 1}
    assert reasons(sentences(fine, "a " * 50), most_words=20) == {"too_long": 1}
    long = Sentence("x", "a b c d", "sv", (Span(0, 7, "PER"),))
    assert reasons([long], longest_entity=3) == {"long_entity": 1}
    assert reasons(sentences(fine, "Это не шведский язык"), script_share=0.7) == {"wrong_script": 1}
    assert reasons(sentences(fine, fine.upper(), f" {fine} "), exact_duplicates=True) == {"exact_duplicate": 2}
    near = "Det regnar mycket i Malmö i dag igen"
    assert reasons(sentences(fine, near, "Helt annan text om något annat"), near_duplicates=0.7) == {
        "near_duplicate": 1
    }


def test_a_surface_labelled_against_its_main_label_is_a_contradiction() -> None:
    def labelled(number: int, label: str) -> Sentence:
        return Sentence(str(number), "Malmö är stort", "sv", (Span(0, 5, label),))

    items = [labelled(n, "LOC") for n in range(19)] + [labelled(19, "PER")]
    assert reasons(items, contradictions=0.9) == {"contradiction": 1}
    contested = [labelled(n, "LOC") for n in range(6)] + [labelled(n, "PER") for n in range(6, 12)]
    found = filter_sentences(contested, OFF.model_copy(update={"contradictions": 0.9}))
    assert (found.counts, found.notes["contested_surfaces"]) == ({}, 1)


def test_sentences_without_entities_are_bounded_by_a_seeded_choice() -> None:
    items = [Sentence(str(n), f"Anna {n}", "sv", (Span(0, 4, "PER"),) if n < 5 else ()) for n in range(20)]
    settings = OFF.model_copy(update={"all_outside_share": 0.5})
    first, again = filter_sentences(items, settings, seed=1), filter_sentences(items, settings, seed=1)
    assert first.counts == {"all_outside": 10}
    assert [one.id for one in first.kept] == [one.id for one in again.kept]
    assert [one.id for one in first.kept] != [one.id for one in filter_sentences(items, settings, seed=2).kept]


def test_agreement_with_a_recogniser() -> None:
    items = sentences("a b c", "d e f")
    settings = OFF.model_copy(update={"agreement": 0.5})
    assert filter_sentences(items, settings, References(predictions={"0": 0.4, "1": 0.6})).counts == {"disagreement": 1}
    assert filter_sentences(items, settings).counts == {}


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("Malmö 😀 ok", False),
        ("e\u0301", False),
        ("a\u200db", False),
        (" \u0301a", True),
        ("a\x00b", True),
        ("\ue000", True),
    ],
)
def test_broken_text(text: str, broken: bool) -> None:
    assert is_broken(text) is broken


def test_script_shares() -> None:
    assert script_share("阿莫西林 500 mg", "zh") == 4 / 6
    assert script_share("これはテストです", "ja") == 1.0
    assert script_share("123", "ar") == 1.0


@given(st.lists(st.text(max_size=30), max_size=12))
def test_any_texts_are_filtered_and_booked(texts: list[str]) -> None:
    items = sentences(*texts)
    found = filter_sentences(items, FilterSettings(), References(texts[:1]))
    assert len(items) == len(found.kept) + sum(found.counts.values())


def test_illegal_tags_are_dropped_when_asked() -> None:
    items = sentences("a b c", "d e f")
    assert reasons(items, illegal_bio=True, illegal={"1"}) == {"illegal_bio": 1}
    assert reasons(items, illegal={"1"}) == {}
