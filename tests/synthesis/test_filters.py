import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.synthesis import FilterSettings
from harness.synthesis.filters import References, filter_sentences, is_broken, script_share
from harness.values.records import Sentence, Span

OFF = FilterSettings(
    broken_text=False, placeholders=False, fewest_words=None, most_words=None, longest_entity=None, script_share=None,
    language=False, exact_duplicates=False, near_duplicates=None, leakage=None, contradictions=None,
    all_outside_share=None,
)  # fmt: skip


def sentences(*texts: str, language: str = "sv") -> list[Sentence]:
    return [Sentence(str(number), text, language) for number, text in enumerate(texts)]


def reasons(items: list[Sentence], **settings: object) -> dict[str, int]:
    given = {key: value for key, value in settings.items() if key in FilterSettings.model_fields}
    rest = {key: value for key, value in settings.items() if key not in given}
    found = filter_sentences(items, OFF.model_copy(update=given), References(**rest))  # type: ignore[arg-type]
    assert len(items) == len(found.kept) + sum(found.counts.values())
    return found.counts


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


def test_another_language_is_dropped_a_close_or_unknown_one_is_not() -> None:
    english = "The committee will decide about the proposal next week"
    swedish = "Kommittén kommer att besluta om förslaget nästa vecka"
    danish = "Udvalget træffer beslutning om forslaget i næste uge"
    assert reasons(sentences(english, swedish, danish), language=True) == {"wrong_language": 1}
    unknown = filter_sentences(sentences(english, language="tlh"), OFF.model_copy(update={"language": True}))
    assert (len(unknown.kept), unknown.notes["language_unknown"]) == (1, 1)


def test_leakage_is_found_by_word_n_grams() -> None:
    test = "Anna Berg åker till Malmö varje sommar med tåget"
    close = "I år: Anna Berg åker till Malmö varje sommar"
    items = sentences(test, close, "Anna Berg åker buss till jobbet", "Malmö är stort")
    assert reasons(items, leakage=0.6, protected=[test]) == {"leakage": 2}
    assert reasons(sentences("Ja tack"), leakage=0.6, protected=["ja tack"]) == {"leakage": 1}
    assert reasons(items, leakage=0.6, protected=[]) == {}


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


TEST = "Take ibuprofen 400 mg three times a day after meals for one week"
OTHER = "The patient was told to drink more water and to call the ward if the fever returns"


@pytest.mark.parametrize(
    ("text", "leaks"),
    [
        (TEST, True),
        (f"{TEST}. {OTHER}.", True),  # half of it is new, and the whole test sentence is in it
        (f"{OTHER}. {TEST}", True),
        (f"{OTHER}: {TEST}, {OTHER.lower()}", True),
        (TEST.upper().replace(" ", "  "), True),
        (OTHER, False),
        ("Take one tablet three times a day and rest", False),  # a phrase that stands in many
    ],
)
def test_a_leak_is_measured_by_how_much_of_the_protected_text_is_found(text: str, leaks: bool) -> None:
    assert bool(reasons(sentences(text, language="en"), leakage=0.6, protected=[TEST])) is leaks


def test_a_short_phrase_is_no_leak_and_chinese_is_measured_by_characters() -> None:
    assert reasons(sentences(f"{OTHER} once a day", language="en"), leakage=0.6, protected=["once a day"]) == {}
    protected = "阿莫西林胶囊每次一粒每日三次"
    assert reasons(sentences(f"患者今天感觉好多了。{protected}", language="zh"), leakage=0.6, protected=[protected])
    assert not reasons(sentences("患者今天感觉好多了每日三次", language="zh"), leakage=0.6, protected=[protected])


FRENCH = [
    "Prenez un comprimé de paracétamol matin et soir", "Amoxicilline 500 mg, une gélule trois fois par jour",
    "Appliquer la pommade sur la peau deux fois par jour", "Le patient doit revenir la semaine prochaine",
    "Ibuprofène 400 mg en cas de douleur", "Deux gouttes dans chaque oeil toutes les quatre heures",
]  # fmt: skip
ITALIAN = [
    "Prendere una compressa di paracetamolo mattina e sera", "Applicare la pomata sulla pelle due volte al giorno",
    "Il paziente deve tornare la settimana prossima per il controllo", "Due gocce in ogni occhio ogni quattro ore",
]  # fmt: skip


def test_a_corpus_in_a_neighbouring_language_is_noticed() -> None:
    assert reasons(sentences(*FRENCH, language="it"), language=True) == {"wrong_language": len(FRENCH)}
    assert reasons(sentences(*ITALIAN, language="it"), language=True) == {}
    mixed = filter_sentences(sentences(*ITALIAN, *FRENCH, language="it"), OFF.model_copy(update={"language": True}))
    assert [one.text for one in mixed.kept] == ITALIAN
    # A language that identifiers mix up is not dropped, and said.
    danish = ["Udvalget træffer beslutning om forslaget i næste uge", "Hun boede i mange år på en gård uden for byen",
              "Vejret bliver bedre i løbet af ugen siger de", "Jeg har købt nogle nye møbler til stuen"]  # fmt: skip
    close = filter_sentences(sentences(*danish, language="sv"), OFF.model_copy(update={"language": True}))
    assert len(close.kept) == 4
    assert sum(number for note, number in close.notes.items() if note.startswith("reads_as/")) >= 2
