import pytest

from harness.values.errors import DataError
from harness.values.languages import normalise_language, word_offsets


@pytest.mark.parametrize(
    ("given", "tag"), [("swa", "sw"), ("yor", "yo"), ("EN", "en"), ("zh_CN", "zh-CN"), ("pcm", "pcm")]
)
def test_languages_become_the_shortest_bcp47_tag(given: str, tag: str) -> None:
    assert normalise_language(given) == tag


@pytest.mark.parametrize("given", ["", "english language", "qqqq1"])
def test_what_is_no_language_is_refused(given: str) -> None:
    with pytest.raises(DataError, match="is not a BCP-47"):
        normalise_language(given)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("500mg, 2.5 ml", ["500", "mg", ",", "2", ".", "5", "ml"]),
        ("阿莫西林0.25g", ["阿", "莫", "西", "林", "0", ".", "25", "g"]),
        ("कम से कम दो महीने", ["कम", "से", "कम", "दो", "महीने"]),  # vowel signs stay with their letters
        ("قرص ١٢ ساعة", ["قرص", "١٢", "ساعة"]),
        ("cafe\u0301 au lait", ["cafe\u0301", "au", "lait"]),  # combining acute
        ("👩‍⚕️ ok", ["👩", "‍", "⚕️", "ok"]),
        ("  \u00a0 ", []),
    ],
)
def test_units_of_raw_text(text: str, units: list[str]) -> None:
    assert [text[start:end] for start, end in word_offsets(text)] == units
