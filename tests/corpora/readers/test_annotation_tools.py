"""Files as people really have them: other columns, other offsets, other tools. Every repair and drop is counted."""

import json
from pathlib import Path

import pytest

from tests.corpora.repairs_cases import ANNA, JSON_ANNA, read_file

SPANS = [{"start": 0, "end": 4, "label": "PER"}, {"start": 11, "end": 15, "label": "LOC"}]


LISTS = [[0, 4, "PER"], [11, 15, "LOC"]]


TOKENS = [{"text": "Anna", "start": 0, "end": 4, "id": 0, "ws": True}]


@pytest.mark.parametrize(
    ("what", "value", "account"),
    [
        ("label", {**JSON_ANNA, "label": LISTS}, {"annotations_read_from/label": 1}),
        ("entities", {**JSON_ANNA, "entities": SPANS}, {"annotations_read_from/entities": 1}),
        ("a key nobody knows", {**JSON_ANNA, "gold_mentions": SPANS}, {"annotations_read_from/gold_mentions": 1}),
        ("empty spans beside others", {**JSON_ANNA, "spans": [], "labels": LISTS}, {"annotations_read_from/labels": 1}),
        ("offsets by other names", {**JSON_ANNA, "entities": [
            {"start_offset": 0, "end_offset": 4, "label": "PER"}, {"start_offset": 11, "end_offset": 15, "label": "LOC"},
        ]}, {"annotations_read_from/entities": 1}),
        ("Prodigy", {**JSON_ANNA, "spans": SPANS, "tokens": TOKENS, "answer": "accept", "_input_hash": 1}, {}),
        ("Label Studio", {"id": 7, "data": {"text": JSON_ANNA["text"]}, "annotations": [
            {"was_cancelled": True, "result": []},
            {"result": [
                {"type": "labels", "value": {"start": 0, "end": 4, "text": "Anna", "labels": ["PER"]}},
                {"type": "labels", "value": {"start": 11, "end": 15, "text": "Lund", "labels": ["LOC"]}},
                {"type": "choices", "value": {"choices": ["good"]}},
            ]},
            {"result": []},
        ]}, {"further_annotations_dropped": 1, "results_other_than_spans_passed_over": 1}),
        ("Label Studio, short", {**JSON_ANNA, "label": [
            {"start": 0, "end": 4, "text": "Anna", "labels": ["PER"]}, {"start": 11, "end": 15, "labels": ["LOC"]},
        ]}, {"annotations_read_from/label": 1}),
        ("null and empty tokens", {"tokens": ["Anna", None, "bor", "", "i", "Lund"],
                                   "ner_tags": ["B-PER", "O", "O", "O", "O", "B-LOC"]}, {"empty_tokens_dropped": 2}),
        ("an entity O", {**JSON_ANNA, "spans": [*SPANS, {"start": 5, "end": 8, "label": "O"}]},
         {"spans_of_no_entity_dropped": 1}),
    ],
)  # fmt: skip
def test_annotations_of_other_tools_are_read(
    what: str, value: dict[str, object], account: dict[str, int], tmp_path: Path
) -> None:
    reading, texts = read_file(tmp_path / "x.jsonl", json.dumps(value), "jsonl")
    assert texts == ANNA
    assert reading.account == account


def test_what_annotators_rejected_is_not_gold(tmp_path: Path) -> None:
    rows = [
        {"text": "Anna", "spans": [{"start": 0, "end": 4, "label": "ORG"}], "answer": "reject"},
        {"text": "Lund", "spans": [], "answer": "ignore"},
        {"text": "Lund", "spans": [{"start": 0, "end": 4, "label": "LOC"}], "answer": "accept"},
        {"data": {"text": "nobody"}, "annotations": []},
    ]
    reading, texts = read_file(tmp_path / "x.jsonl", json.dumps(rows), "jsonl")
    assert texts == [("Lund", [("Lund", "LOC")])]
    assert reading.account == {
        "answers_dropped/reject": 1,
        "answers_dropped/ignore": 1,
        "tasks_without_annotation_dropped": 1,
    }


@pytest.mark.parametrize("name", ["prodigy", "label_studio"])
def test_tools_may_be_named_as_formats(name: str, tmp_path: Path) -> None:
    value = {
        "prodigy": {**JSON_ANNA, "spans": SPANS, "answer": "accept"},
        "label_studio": {"data": {"text": JSON_ANNA["text"]}, "annotations": [
            {"result": [{"value": {"start": 0, "end": 4, "labels": ["PER"]}}, {"value": {"start": 11, "end": 15, "labels": ["LOC"]}}]},
        ]},
    }[name]  # fmt: skip
    _, texts = read_file(tmp_path / "x.jsonl", json.dumps(value), name)
    assert texts == ANNA
