from pathlib import Path

import pytest

from harness.config import TranslatorCard
from harness.transfer.translate.open import open_translator
from harness.values.errors import HarnessError


def test_a_folder_that_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2", reason="pip install 'ctranslate2>=4.6'")
    card = TranslatorCard(name="x", kind="ctranslate2", path=str(tmp_path), tokenizer=str(tmp_path))
    with pytest.raises(HarnessError) as caught:
        open_translator(card, "en", "es", tmp_path).translate(["a"])
    assert "\n" not in str(caught.value)
