"""One contract for every translator, and what each does on its own."""

from pathlib import Path

import pytest

from harness.config import TranslatorCard
from harness.transfer.translate.codes import code_candidates
from harness.transfer.translate.open import open_translator
from harness.values.errors import UsageError


def test_language_codes_of_the_models(tiny_nllb: Path, tmp_path: Path) -> None:
    assert code_candidates("sw")[0] == "swh_Latn"
    assert code_candidates("zh")[0] == "zho_Hans"
    assert code_candidates("yo")[0] == "yor_Latn"
    assert "ar" in code_candidates("ar") and code_candidates("ar")[0] == "arb_Arab"
    card = TranslatorCard(name="n", kind="seq2seq", path=str(tiny_nllb))
    with pytest.raises(UsageError, match="knows no language code"):
        open_translator(card, "en", "tlh", tmp_path)
