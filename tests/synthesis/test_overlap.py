import pytest

from tests.synthesis.filters_cases import reasons, sentences


def test_leakage_is_found_by_word_n_grams() -> None:
    test = "Anna Berg åker till Malmö varje sommar med tåget"
    close = "I år: Anna Berg åker till Malmö varje sommar"
    items = sentences(test, close, "Anna Berg åker buss till jobbet", "Malmö är stort")
    assert reasons(items, leakage=0.6, protected=[test]) == {"leakage": 2}
    assert reasons(sentences("Ja tack"), leakage=0.6, protected=["ja tack"]) == {"leakage": 1}
    assert reasons(items, leakage=0.6, protected=[]) == {}


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
