"""One contract for every translator, and what each does on its own."""

from pathlib import Path

import pytest

from harness.config import TranslatorCard
from harness.machine.store import DiskRows
from harness.transfer.translate.open import open_translator
from harness.transfer.translate.texts import translate_texts
from harness.values.errors import DataError


def test_file_translations_name_the_first_missing_text(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("one\tuno\n", encoding="utf-8")
    card = TranslatorCard(name="file", kind="file", path="t.tsv")
    translator = open_translator(card, "en", "es", tmp_path)
    with pytest.raises(DataError, match="no translation of 1 texts, the first of 3 characters"):
        translate_texts(translator, ["one", "two"], DiskRows("translations"))
    (tmp_path / "t.tsv").write_text("no tab here\n", encoding="utf-8")
    with pytest.raises(DataError, match="t.tsv:1: found no tab"):
        open_translator(card, "en", "es", tmp_path)
