"""One contract for every aligner, and what each does on its own."""

from harness.transfer.align.words import alignment_text, comparison_key, raw_offsets
from harness.values.records import Sentence


def test_unspaced_scripts_are_cut_into_words_and_offsets_lead_back() -> None:
    for text, language, word in (("患者每日服用阿司匹林500mg。", "zh", "患者"), ("今日は良い天気ですね", "ja", "天気"),
                                 ("วันนี้อากาศดีมาก", "th", "อากาศ")):  # fmt: skip
        offsets = raw_offsets(text, language)
        assert word in [text[start:end] for start, end in offsets]
        assert "".join(text[start:end] for start, end in offsets) == text
    dose = "每次500mg"  # ICU makes one word of number and unit, which may be two entities
    assert [dose[start:end] for start, end in raw_offsets(dose, "zh")] == ["每次", "500", "mg"]
    coffee = "コーヒーを飲む"  # the long vowel mark belongs to no script
    assert [coffee[start:end] for start, end in raw_offsets(coffee, "ja")] == ["コーヒー", "を", "飲む"]
    emoji = "😀😀我爱北京天安门 5mg"
    assert "天安门" in [emoji[start:end] for start, end in raw_offsets(emoji, "zh")]
    sentence = Sentence("1", "a b c", "en", (), ((0, 3), (4, 5)))
    assert alignment_text(sentence).words == ("a_b", "c")


def test_comparison_keys() -> None:
    assert comparison_key("«Straße»,") == "strasse"
    assert comparison_key("running", 4) == "runn"
    assert comparison_key("20245", 4) == "20245"
    assert comparison_key("...") == "..."
    assert " " not in comparison_key("ﷺ") and " " not in comparison_key("it´s")
