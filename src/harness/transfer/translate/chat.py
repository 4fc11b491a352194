"""Any OpenAI-compatible chat server as a translator, one sentence a request (extra ``llm``)."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from harness.config import TranslatorCard
from harness.machine.chat import open_client
from harness.transfer.translate.contract import PartlyAnswered, Translation
from harness.values.drafts import without_drafts
from harness.values.errors import HarnessError

PROMPT = (
    "Translate the user's text from {source} into {target}. Keep names, numbers, units and any [ ] or <x> marks. "
    "Answer with the translation alone, on one line, without quotes or comments."
)
"""Enters the key of the cache: another prompt gives other translations."""

_NO_SERVER = "translator {} at {}: the answer is no chat completion; does the URL end in /v1?"

RETRIES = 6
"""Of the client library: exponential back-off on 429, 5xx and timeouts, Retry-After obeyed."""


class ChatTranslator:
    """Sends sentences to a chat model; the key stands in an environment variable and is never logged."""

    by_text = True

    def __init__(self, card: TranslatorCard, source: str, target: str) -> None:
        import langcodes

        self._card = card
        self.batch_size = card.batch_size
        names = [langcodes.Language.get(tag).display_name() for tag in (source, target)]
        self._prompt = PROMPT.format(source=names[0], target=names[1])
        self._client: Any = open_client(
            f"translator {card.name}", base_url=card.base_url, api_key_env=card.api_key_env,
            timeout=card.timeout_seconds, retries=RETRIES, leaves_machine=card.leaves_machine,
        )  # fmt: skip
        import openai

        self._errors: Any = openai.OpenAIError

    @property
    def identity(self) -> Mapping[str, object]:
        """Server, model, prompt and temperature."""
        card = self._card
        return {
            "kind": "chat", "base_url": str(self._client.base_url), "model": card.model, "prompt": self._prompt,
            "temperature": card.temperature, "max_new_tokens": card.max_new_tokens,
        }  # fmt: skip

    def translate(self, texts: Sequence[str]) -> list[Translation]:
        """Translate texts, several at once.

        :raises PartlyAnswered: the server refused or could not be reached after all retries; holds what came.
        """
        stop = threading.Event()  # after a fault nothing new is asked, what is under way is waited for

        def ask(text: str) -> Translation | HarnessError | None:
            if stop.is_set():
                return None
            try:
                return self._ask(text)
            except HarnessError as error:
                stop.set()
                return error

        with ThreadPoolExecutor(max_workers=self._card.concurrency) as pool:
            replies = list(pool.map(ask, texts))
        faults = [sentence for sentence in replies if isinstance(sentence, HarnessError)]
        if faults:
            done = {text: reply for text, reply in zip(texts, replies, strict=True) if isinstance(reply, Translation)}
            raise PartlyAnswered(str(faults[0]), done)
        return [reply for reply in replies if isinstance(reply, Translation)]

    def _ask(self, text: str) -> Translation:
        card = self._card
        try:
            answer = self._client.chat.completions.create(
                model=card.model,
                messages=[{"role": "system", "content": self._prompt}, {"role": "user", "content": text}],
                temperature=card.temperature,
                max_tokens=card.max_new_tokens,
            )
        except self._errors as error:
            # A server's message may repeat the text, so only the class and the status are named.
            status = getattr(error, "status_code", None)
            raise HarnessError(
                f"translator {card.name} at {card.base_url or 'its default server'}: {type(error).__name__}"
                f"{f' (status {status})' if status else ''}"
            ) from None
        except (ValueError, AttributeError):
            raise HarnessError(_NO_SERVER.format(card.name, card.base_url)) from None
        if not hasattr(answer, "choices"):
            raise HarnessError(_NO_SERVER.format(card.name, card.base_url))
        choice = answer.choices[0] if answer.choices else None
        content = (choice.message.content or "") if choice else ""
        translated, draft = without_drafts(content)  # of a reasoning model
        cut = choice is not None and choice.finish_reason == "length"
        return Translation(" ".join(translated.split()), "cut" if cut else draft)
