"""One contract for every translator, and what each does on its own."""

from pathlib import Path

import pytest

from harness.config import TranslatorCard
from harness.machine.store import DiskRows
from harness.transfer.translate.open import open_translator
from harness.transfer.translate.texts import translate_texts
from harness.values.errors import HarnessError, UsageError


def test_a_chat_server_that_refuses_is_one_sentence_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai", reason="pip install 'openai>=2.0'")
    import harness.transfer.translate.chat as chat

    monkeypatch.setattr(chat, "RETRIES", 0)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    card = TranslatorCard(name="chat", kind="chat", model="m", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(HarnessError, match="repeat the command to go on") as caught:
        translate_texts(open_translator(card, "en", "es", Path()), ["a"], DiskRows("translations"))
    assert "sk-secret" not in str(caught.value)
    assert not card.leaves_machine
    assert TranslatorCard(name="c", kind="chat", model="m").leaves_machine
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UsageError, match="OPENAI_API_KEY holds no key"):
        open_translator(TranslatorCard(name="c", kind="chat", model="m"), "en", "es", Path())
