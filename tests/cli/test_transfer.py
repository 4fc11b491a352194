import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from harness.values.errors import DataError, UsageError


def test_links_of_a_file_project_entities(harness: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "s.conll").write_text("Anna\tB-PER\nbor\tO\n", encoding="utf-8")
    (tmp_path / "t.txt").write_text("vive Ana\n", encoding="utf-8")
    (tmp_path / "links").write_text("0-1 1-0\n", encoding="utf-8")
    languages = ("--source-language", "sv", "--target-language", "es")
    done = harness(
        "project", tmp_path / "s.conll", tmp_path / "t.txt", "-o", tmp_path / "o.jsonl", *languages,
        "--alignments", tmp_path / "links", "--json",
    )  # fmt: skip
    assert done.exit_code == 0
    assert json.loads((tmp_path / "o.jsonl").read_text())["spans"] == [{"start": 5, "end": 8, "label": "PER"}]
    with pytest.raises(UsageError, match="several aligners are compared by --score"):
        harness(
            "align", tmp_path / "s.conll", tmp_path / "t.txt", "-o", tmp_path / "o", *languages, "--aligner", "hmm,x"
        )
    (tmp_path / "t.txt").write_text("vive Ana\nhola\n", encoding="utf-8")
    with pytest.raises(DataError, match="has 1 sentences and .* 2 lines"):
        harness("align", tmp_path / "s.conll", tmp_path / "t.txt", "-o", tmp_path / "o", *languages)
