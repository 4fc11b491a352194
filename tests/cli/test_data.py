import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result


def test_convert_writes_and_counts(harness: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("Anna\tB-PER\nbor\tO\n", encoding="utf-8")
    done = harness("data", "convert", tmp_path / "a.conll", tmp_path / "a.jsonl", "--language", "sv")
    assert done.exit_code == 0 and "1 sentences, 1 entities" in done.output
    assert json.loads((tmp_path / "a.jsonl").read_text())["spans"] == [{"start": 0, "end": 4, "label": "PER"}]


def test_cards_are_listed_with_their_languages(harness: Callable[..., Result]) -> None:
    cards = json.loads(harness("data", "list", "--json").output)
    (card,) = [card for card in cards if "rx_mini" in card.values()]
    assert "fr" in card["languages"] and not card["restricted"]
