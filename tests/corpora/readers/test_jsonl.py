"""Files as people really have them: other columns, other offsets, other tools. Every repair and drop is counted."""

import json
from pathlib import Path

import pytest

from harness.corpora.catalogue import read_texts
from harness.corpora.conll_writer import conll_text
from harness.corpora.readers import READERS
from harness.values.errors import DataError
from harness.values.interchange import as_lines
from harness.values.records import Sentence, Span
from tests.corpora.readers_cases import read
from tests.corpora.repairs_cases import JSON_ANNA, read_file


def test_jsonl_trims_blanks_off_spans_and_counts_it(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"text": "a Rome b", "spans": [{"start": 1, "end": 7, "label": "LOC"}]}))
    reading = READERS["jsonl"](path, "en")
    assert reading.sentences[0].spans == (Span(2, 6, "LOC"),)
    assert reading.account == {"spans_trimmed": 1}


def test_half_characters_of_broken_escapes_are_replaced_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(
        '{"text": "a\\ud83d Rome", "spans": [{"start": 3, "end": 7, "label": "LOC"}]}\n'
        '{"tokens": ["a", "\\udc00b"], "ner_tags": ["O", "B-LOC"]}\n'
    )
    reading = READERS["jsonl"](path, "en")
    assert [sentence.text for sentence in reading.sentences] == ["a\ufffd Rome", "a \ufffdb"]
    assert reading.account == {"lone_surrogates_replaced": 2}


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("{", "x.jsonl:1: not JSON"),
        ("[1]", "item 1 is int"),
        ('{"spans": []}', "'text' is missing"),
        ('{"text": "a", "spans": [{"start": 0}]}', "is needed"),
        ('{"text": "a", "spans": [{"start": 0, "end": 9, "label": "X"}]}', "outside the text of 1 characters"),
        ('{"tokens": ["a", "b"], "ner_tags": ["O"]}', "2 tokens and 1 tags"),
        ('{"tokens": ["a"], "ner_tags": [0]}', "write integers as names"),
    ],
)
def test_jsonl_faults_name_the_line(row: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=fault):
        read("jsonl", tmp_path / "x.jsonl", row)


def test_doccano_offsets_may_be_unsorted(tmp_path: Path) -> None:
    row = {"id": 3, "text": "Iron 5 mg", "label": [[5, 9, "Strength"], [0, 4, "Drug"]]}
    (sentence,) = read("doccano", tmp_path / "x.jsonl", json.dumps(row))
    assert sentence.spans == (Span(0, 4, "Drug"), Span(5, 9, "Strength"))


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (JSON_ANNA, "no annotations: 'spans' is missing .found 'text'.*a sentence without entities has"),
        ({**JSON_ANNA, "label": "positive"}, "no annotations"),
        ({**JSON_ANNA, "spans": None, "label": None}, "'spans' is NoneType; a list is needed"),
        ({**JSON_ANNA, "spans": [{"start": 0, "end": 4, "label": ""}]}, "has no label"),
        ({**JSON_ANNA, "spans": [{"start": 0, "end": 4, "label": "PER", "text": "Bert"}]}, "not what the annotation says"),
        ({"text": "🚒 Anna", "spans": [{"start": 1, "end": 3, "label": "X"}, {"start": 3, "end": 99, "label": "X"}]}, "emoji"),
    ],
)  # fmt: skip
def test_a_text_that_lacks_its_annotations_is_refused(value: dict[str, object], fault: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=fault):
        read_file(tmp_path / "x.jsonl", json.dumps(value), "jsonl")


def test_a_text_to_be_tagged_needs_no_annotations(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps(JSON_ANNA))
    assert [sentence.text for sentence in read_texts(tmp_path / "x.jsonl", "sv").sentences] == [JSON_ANNA["text"]]


def test_unknown_regions_survive_json_lines(tmp_path: Path) -> None:
    sentence = Sentence("1", "Anna bor i Lund", "sv", (Span(0, 4, "PER"),), None, ((11, 15),))
    (tmp_path / "x.jsonl").write_text(as_lines([sentence]), encoding="utf-8")
    assert READERS["jsonl"](tmp_path / "x.jsonl", "sv").sentences == (sentence,)
    assert conll_text([sentence])[1] == {"unknown_regions_dropped": 1}


@pytest.mark.parametrize(
    "content", ["[" * 100_000, '{"text": "a", "spans": [], "id": ' + "9" * 5000 + "}", '{"a":' * 9000]
)
def test_json_beyond_all_bounds_is_one_sentence(content: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_file(tmp_path / "x.jsonl", content, "jsonl")
    assert len(str(caught.value)) < 1000


def test_the_key_annotations_were_found_under_can_be_written_and_logged(tmp_path: Path) -> None:
    line = '{"text": "Anna bor", "\\ud800": [{"start": 0, "end": 4, "label": "PER"}]}\n'
    reading, texts = read_file(tmp_path / "x.jsonl", line, "jsonl")
    assert texts == [("Anna bor", [("Anna", "PER")])]
    (name,) = reading.account
    assert name.startswith("annotations_read_from/")
    name.encode()
