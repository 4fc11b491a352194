"""One contract for every translator, and what each does on its own."""

import shutil
from pathlib import Path

import pytest

from harness.config import TranslatorCard
from harness.transfer.translate.open import open_translator
from harness.values.errors import ConfigError, UsageError


def test_a_local_model_that_changed_is_another_model(tiny_marian: Path, tmp_path: Path) -> None:
    folder = tmp_path / "marian"
    shutil.copytree(tiny_marian, folder)
    card = TranslatorCard(name="m", kind="seq2seq", path=str(folder))
    before = open_translator(card, "en", "es", tmp_path).identity
    (folder / "generation_config.json").write_text("{}", encoding="utf-8")
    assert open_translator(card, "en", "es", tmp_path).identity != before


def test_a_model_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    card = TranslatorCard(name="o", kind="seq2seq", pairs={"en-fr": "a/b"})
    with pytest.raises(UsageError, match=r"no model for en-es; known pairs: en-fr"):
        open_translator(card, "en", "es", tmp_path)
    with pytest.raises(ConfigError, match=r"translator\.path: 'nobody/nothing' cannot be loaded"):
        open_translator(TranslatorCard(name="o", kind="seq2seq", path="nobody/nothing"), "en", "es", tmp_path)
