"""Generation against a real server on loopback with faults, resumption, budgets, batch files, and the command line."""

from pathlib import Path

import pytest

from harness.report.quality_page import quality_page
from harness.synthesis.card import card_path
from harness.values.errors import DataError, HarnessError
from harness.workflows.synthesise import generate, page_of
from tests.synthesis.generate_cases import configured


def test_a_changed_corpus_no_longer_fits_its_card(toy_card: Path, tmp_path: Path, serve) -> None:  # type: ignore[no-untyped-def]
    _, url = serve()
    output = tmp_path / "sv.jsonl"
    generate(configured(toy_card, url), "sv", 2, output)
    assert "Samples" in page_of(output, quality_page)[0]
    output.write_text("", encoding="utf-8")
    with pytest.raises(HarnessError, match="changed since its quality card"):
        page_of(output, quality_page)
    card_path(output).unlink()
    with pytest.raises(DataError, match="no quality card"):
        page_of(output, quality_page)
