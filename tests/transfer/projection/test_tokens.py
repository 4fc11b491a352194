from harness.transfer.align.words import alignment_text
from harness.transfer.projection.tokens import TextTokens
from harness.values.records import Sentence


def tokens(text: str, language: str = "en", function: frozenset[str] = frozenset()) -> TextTokens:
    sentence = Sentence("1", text, language)
    return TextTokens(sentence, alignment_text(sentence).offsets, function)


def test_clause_marks_are_crossed_and_numbers_hold_together() -> None:
    text = tokens("one tablet, then 2.5 mg")
    assert text.marks(0, len(text)) == 1 or text.marks(0, len(text)) == 2
    assert tokens("take 2.5 mg").marks(0, len(tokens("take 2.5 mg"))) == 0


def test_articles_names_and_anchors_are_told() -> None:
    text = tokens("the doctor gave Paracetamol 500 mg", function=frozenset({"gave"}))
    assert text.is_article(0) and not text.is_article(1)
    assert text.is_grammatical(2)
    assert text.is_marked(3) and not text.is_marked(1)
    assert {"doctor", "paracetamol", "500"} <= text.anchors().keys()
    assert "mg" not in text.anchors(), "too short to be sure of"
