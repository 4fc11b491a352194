"""Files as people really have them: other columns, other offsets, other tools. Every repair and drop is counted."""

from pathlib import Path

import pytest

from harness.values.errors import DataError
from harness.values.interchange import as_lines
from tests.corpora.repairs_cases import read_file


def test_surrogates_in_ids_and_labels_can_be_written(tmp_path: Path) -> None:
    row = '{"id": "\\ud800", "text": "Anna", "spans": [{"start": 0, "end": 4, "label": "P\\udc00"}]}'
    reading, _ = read_file(tmp_path / "x.jsonl", row, "jsonl")
    assert as_lines(reading.sentences).encode("utf-8")


def test_messages_have_a_readable_length(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_file(tmp_path / "x.conll", "a" * 30_000 + "\n")
    assert len(str(caught.value)) < 1000
    assert "a token and a tag are needed" in str(caught.value)
