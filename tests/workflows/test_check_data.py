import json
from pathlib import Path

import pytest

from harness.config import FileSource
from harness.values.errors import UsageError
from harness.workflows.check_data import check_card, convert_file, corpus_counts, list_cards, load_card


def test_a_card_is_checked_for_counts_duplicates_and_leaks(toy_card: Path) -> None:
    data = load_card("toy", toy_card)
    assert not [text for text in data.differences if "en.train" in text]
    assert corpus_counts(data.corpora[0])["entities"] == 96
    test = toy_card / "data" / "en" / "test.conll"
    train = toy_card / "data" / "en" / "train.conll"
    train.write_text(train.read_text() + "\n" + test.read_text())
    findings = check_card(load_card("toy", toy_card))
    assert any("counts differ" in fault for fault in findings.faults)
    assert any("12 test sentences stand in another split" in fault for fault in findings.faults)
    assert json.dumps(findings.as_object())


def test_one_bad_card_hides_no_other(toy_card: Path) -> None:
    (toy_card / "data" / "bad.yaml").write_text("[")
    entries, faults = list_cards(toy_card)
    assert "toy" in [entry["name"] for entry in entries] and "bad.yaml" in faults[0]


def test_a_file_is_converted_or_the_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("Anna\tB-PER\nbor\tO\n")
    file = FileSource(path=str(tmp_path / "a.conll"))
    assert convert_file(file, tmp_path / "a.jsonl", "sv", to_format=None, annotated=True) == (1, 1, {})
    with pytest.raises(UsageError, match="format 'xml' cannot be written"):
        convert_file(file, tmp_path / "a.xml", "sv", to_format=None, annotated=True)


def test_a_leaked_sentence_counts_once_and_labels_without_entities_are_told(toy_card: Path) -> None:
    """The first test sentence in training and dev: one sentence, not two."""
    data = toy_card / "data"
    first = (data / "en" / "test.conll").read_text(encoding="utf-8").partition("\n\n")[0]
    for split in ("train", "dev"):
        with (data / "en" / f"{split}.conll").open("a", encoding="utf-8") as file:
            file.write(f"\n{first}\n")
    card = data / "toy.yaml"
    text = card.read_text(encoding="utf-8").replace("[PER, LOC]", "[PER, LOC, ORG]").partition("expected:")[0]
    card.write_text(text, encoding="utf-8")
    findings = check_card(load_card("toy", toy_card))
    (fault,) = findings.faults
    assert fault.startswith("1 test sentences stand in another split (sentence en.test ") and "take them out" in fault
    assert findings.unused_labels == ["ORG"]
