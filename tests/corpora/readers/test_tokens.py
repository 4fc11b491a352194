"""Files as people really have them: other columns, other offsets, other tools. Every repair and drop is counted."""

import json
from pathlib import Path

from tests.corpora.repairs_cases import read_file


def test_a_null_token_and_its_tag_are_refused_or_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    value = {"tokens": ["Anna", None, "Lund"], "ner_tags": ["B-PER", "O", "B-LOC"]}
    reading, texts = read_file(path, json.dumps(value) + "\n", "jsonl")
    assert texts == [("Anna Lund", [("Anna", "PER"), ("Lund", "LOC")])]
    assert sum(reading.account.values()) == 1
