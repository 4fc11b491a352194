"""What the tests of several files share."""

from harness.answers.items import Legend
from harness.answers.parse import Parsed, parse_answer

LEGEND = Legend.of_tags(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])


ITEM = {"tokens": ["Anna", "Berg", "bor", "i", "Malmö", "."], "ner_tags": [1, 2, 0, 0, 3, 0]}


def parse(answer: str, legend: Legend = LEGEND, *repairs: str) -> Parsed:
    return parse_answer(answer, legend, "sv", "1", repairs)


def entities(parsed: Parsed) -> list[list[tuple[str, str]]]:
    return [[(one.surface(span), span.label) for span in one.spans] for one in parsed.sentences]


def sound(parsed: Parsed) -> None:
    """Spans stand in their texts (the constructor refuses others), labels are known, every item is booked."""
    for sentence in parsed.sentences:
        assert all(span.label in ("PER", "LOC") and sentence.surface(span).strip() for span in sentence.spans)
        assert sentence.text.strip() == sentence.text
    assert parsed.items == len(parsed.sentences) + len(parsed.rejected)
