"""The parser on every defect known, and on mutated answers: no exception, no hang, no invented span."""

import json

import pytest

from harness.answers.items import Legend
from tests.synthesis.parse_cases import ITEM, entities, parse


def test_labels_are_mapped_and_dropped_with_a_count() -> None:
    legend = Legend.of_tags(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"], {"LOC": None, "PER": "PERSON"})
    parsed = parse(json.dumps(ITEM), legend)
    assert entities(parsed) == [[("Anna Berg", "PERSON")]]
    assert parsed.notes["dropped_label/LOC"] == 1


@pytest.mark.parametrize(
    ("answer", "kept", "rejected"),
    [
        ('{"tokens":["Anna","bor,"här"],"ner_tags":[1,0,0]}', ["Anna bor här"], []),
        ('{"s":[{"text":"Anna bor.,"entities":[{"text":"Anna","label":"PER"}]}]}', ["Anna bor."], []),
        ('{"tokens":["a",",","b"],"ner_tags":[0,0,1],}', ["a , b"], []),
        ('{"text": "Anna sa "hej", Bo.", "entities":[{"text":"Anna","label":"PER"}]}', [], ["damaged_text"]),
    ],
)
def test_swallowed_and_stray_quotes(answer: str, kept: list[str], rejected: list[str]) -> None:
    parsed = parse(answer)
    assert [one.text for one in parsed.sentences] == kept
    assert [one.reason for one in parsed.rejected] == rejected


def test_many_repetitions_of_one_entity_are_found_soon() -> None:
    item = {"text": "Bo " * 4000, "entities": [["Bo", "PER"]] * 4000}
    assert len(parse(json.dumps(item)).sentences[0].spans) == 4000


def test_surfaces_are_found_as_whole_words_and_in_order() -> None:
    item = {"text": "Annas Anna såg Anna", "entities": [["Anna", "PER"], ["Anna", "PER"]]}
    (sentence,) = parse(json.dumps(item)).sentences
    assert [(span.start, span.end) for span in sentence.spans] == [(6, 10), (15, 19)]


def test_illegal_bio_is_read_as_conlleval_reads_it_and_counted() -> None:
    parsed = parse(json.dumps({"tokens": ["Anna", "ser", "Berg"], "ner_tags": [2, 0, 4]}))
    assert entities(parsed) == [[("Anna", "PER"), ("Berg", "LOC")]]
    assert parsed.notes["illegal_bio"] == 1
