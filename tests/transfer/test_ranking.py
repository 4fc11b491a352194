from pathlib import Path

import pytest

from harness.config import AlignerCard
from harness.transfer.ranking import add_ranked, card_digest, ranking_tag
from harness.values.errors import ConfigError, DataError


def test_a_ranking_keeps_one_line_a_component_and_tells_its_place(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    for name, score in (("hmm", 0.8), ("eflomal", 0.9), ("hmm", 0.85)):
        card = AlignerCard(name=name, kind="hmm", ranking=str(path))
        facts = {"pair": "en-sv", "pairs": 3, "digest": "d", "settings": card_digest(card)}
        add_ranked(path, "aligner", name, "span_f1", score, facts)
    assert len(path.read_text().splitlines()) == 2
    tag = ranking_tag(AlignerCard(name="hmm", kind="hmm", ranking="r.jsonl"), "aligner", tmp_path)
    assert "2 of 2" in tag or "second" in tag or "2/2" in tag, tag
    with pytest.raises(ConfigError):
        ranking_tag(AlignerCard(name="other", kind="hmm", ranking="r.jsonl"), "aligner", tmp_path)
    path.write_text("nonsense\n")
    with pytest.raises(DataError, match=":1: not a line of a ranking"):
        ranking_tag(AlignerCard(name="hmm", kind="hmm", ranking="r.jsonl"), "aligner", tmp_path)
    assert ranking_tag(AlignerCard(name="hmm", kind="hmm"), "aligner", tmp_path) == ""
