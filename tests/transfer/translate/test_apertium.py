"""One contract for every translator, and what each does on its own."""

import shutil
from pathlib import Path

import pytest

from harness.config import TranslatorCard
from harness.machine.store import DiskRows
from harness.transfer.translate.open import open_translator
from harness.transfer.translate.texts import translate_texts
from harness.values.errors import DependencyError, UsageError


def test_apertium_translates_and_names_the_package_of_a_missing_pair(tmp_path: Path) -> None:
    if not shutil.which("apertium"):
        pytest.skip("apt-get install apertium apertium-eng-spa")
    card = TranslatorCard(name="apertium", kind="apertium")
    translator = open_translator(card, "en", "es", tmp_path)
    found, _ = translate_texts(translator, ["The doctor lives in [London]", "Hello world"], DiskRows("translations"))
    assert found == ["El doctor vive en [Londres]", "Hola mundo"] or found[0].endswith("[Londres]")
    with pytest.raises(UsageError, match=r"no mode eng-yor.*apt-get install apertium-eng-yor"):
        open_translator(card, "en", "yo", tmp_path)


def test_a_missing_program_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DependencyError, match="apt-get install apertium"):
        open_translator(TranslatorCard(name="apertium", kind="apertium"), "en", "es", tmp_path)
