"""One contract for every translator."""

import pytest

from harness.machine.store import DiskRows
from harness.transfer.translate.contract import Translator
from harness.transfer.translate.texts import translate_texts
from tests.transfer.translate_cases import TEXTS

KINDS = ["file", "apertium", "marian", "nllb", "m2m", "ctranslate2", "chat"]


@pytest.mark.parametrize("translator", KINDS, indirect=True)
def test_every_translator_keeps_order_count_and_empty_sentences(translator: Translator) -> None:
    found, notes = translate_texts(translator, TEXTS, DiskRows("translations"))
    assert len(found) == len(TEXTS)
    assert found[1] == ""
    assert found[0] == found[8], "the same text has the same translation"
    assert all("\n" not in text for text in found)
    assert translate_texts(translator, TEXTS, DiskRows("translations"))[0] == found, (
        "a second call reads what the first kept"
    )
    assert notes == translate_texts(translator, TEXTS, DiskRows("translations"))[1]
    # Another order and company, same translations: nothing of one sentence leaks into another.
    assert translate_texts(translator, TEXTS[::-1], DiskRows("translations"))[0] == found[::-1]
