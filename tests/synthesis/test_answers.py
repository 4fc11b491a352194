"""Generation against a real server on loopback with faults, resumption, budgets, batch files, and the command line."""

from pathlib import Path

import pytest

from harness.synthesis.answers import AnswerStore
from harness.values.errors import DataError
from harness.workflows.synthesise import generate
from tests.synthesis.generate_cases import configured


def test_answers_without_usage_count_for_the_budget(toy_card: Path, tmp_path: Path, serve) -> None:  # type: ignore[no-untyped-def]
    _, url = serve("no_usage")
    config = configured(toy_card, url, "synthesis.budget_tokens=2000", "synthesis.concurrency=1")
    _, outcome = generate(config, "sv", 50, tmp_path / "sv.jsonl")
    assert "budget_tokens=2000 is used up" in outcome.stopped and 1 <= outcome.asked <= 5


def test_a_damaged_answer_file_is_named_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n{}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.jsonl:1: not a stored answer"):
        AnswerStore(tmp_path / "a.jsonl")
    assert (tmp_path / "a.jsonl").read_text(encoding="utf-8") == "{}\n{}\n"
