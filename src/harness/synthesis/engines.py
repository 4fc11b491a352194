"""Who writes: an OpenAI-compatible server, or a model on this machine."""

import logging
import threading
import time
from typing import Any, Protocol

from harness.config.synthesis import SynthesisCard
from harness.machine.chat import open_client
from harness.machine.hub import LOADING_ERRORS, loading_error, ready_hub
from harness.synthesis.answers import Answer
from harness.synthesis.prompts import Call
from harness.values.errors import ConfigError, HarnessError

logger = logging.getLogger(__name__)


FAILURES = 5
"""Calls that fail one after the other, after all their retries, before the generation stops."""


class Engine(Protocol):
    """What answers a call."""

    def ask(self, call: Call) -> Answer:
        """Return the answer.

        :raises HarnessError: none came after all retries.
        """


class ChatEngine:
    """An OpenAI-compatible server, through the ``openai`` client, which backs off on 429, 5xx and cut connections."""

    def __init__(self, card: SynthesisCard) -> None:
        self._card = card
        self._structured = card.structured
        self._client: Any = open_client(
            "synthesis.engine=chat", base_url=card.base_url, api_key_env=card.api_key_env,
            timeout=card.timeout_seconds, retries=card.retries, leaves_machine=card.leaves_machine,
        )  # fmt: skip
        import openai

        self._openai: Any = openai

    def ask(self, call: Call) -> Answer:
        """Return the server's answer; a body that is no JSON is asked for again like any other failure."""
        pause = 0.5
        for attempt in range(self._card.retries + 1):
            try:
                return self._asked(call)
            except (self._openai.APIResponseValidationError, ValueError, AttributeError) as error:
                reason = f"the answer's body cannot be read ({type(error).__name__})"
            except self._openai.OpenAIError as error:
                raise HarnessError(self._sentence(_failure(error, call))) from None
            if attempt < self._card.retries:
                time.sleep(pause)
                pause = min(8.0, 2 * pause)
        raise HarnessError(self._sentence(reason))

    def _asked(self, call: Call) -> Answer:
        structured = self._structured
        try:
            response = self._request(call, structured=structured)
        except (self._openai.BadRequestError, self._openai.UnprocessableEntityError):
            if not structured:
                raise
            response = self._request(call, structured=False)
            if self._structured:  # it works without: the server knows no JSON schema, the prompt asks for JSON anyway
                self._structured = False
                logger.info("the server refuses JSON-schema output; asking without")
        # Whatever came is paid for and kept, an empty answer too.
        choice = response.choices[0] if response.choices else None
        text = (choice.message.content or "") if choice and choice.message else ""
        asked = sum(len(message["content"]) for message in call.messages)
        return Answer(
            call.key, text, (choice.finish_reason or "") if choice else "no_choice",
            _tokens(response.usage, "prompt_tokens", asked), _tokens(response.usage, "completion_tokens", len(text)),
            response.model or self._card.model or "",
        )  # fmt: skip

    def _request(self, call: Call, *, structured: bool) -> Any:
        extra = {"response_format": response_format(call)} if structured else {}
        return self._client.chat.completions.create(
            model=self._card.model, messages=list(call.messages), temperature=self._card.temperature,
            max_tokens=self._card.max_tokens, **extra,
        )  # fmt: skip

    def _sentence(self, reason: str) -> str:
        return f"{self._card.model} at {self._card.base_url or 'its default server'}: {reason}"


def _failure(error: Exception, call: Call) -> str:
    """Return what a server says of a failure; of a message that repeats the prompt, which may hold corpus text, the
    kind.
    """
    said = " ".join(str(error).split())[:200]
    prompt = " ".join(" ".join(message["content"].split()) for message in call.messages)
    status = getattr(error, "status_code", None)
    if any(said[place : place + 24] in prompt for place in range(0, max(1, len(said) - 24))):
        return f"{type(error).__name__}" + (f" (status {status})" if status else "")
    return f"{type(error).__name__}: {said}"


def _tokens(usage: Any, name: str, characters: int) -> int:
    """Return a count of tokens; a server that gives none is estimated at three characters each, for the budget."""
    count = getattr(usage, name, None)
    return int(count) if isinstance(count, int | float) and count >= 0 else -(-characters // 3)


def response_format(call: Call) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "sentences", "schema": call.schema, "strict": True}}


class LocalEngine:
    """A causal language model of transformers in this process, one call at a time."""

    def __init__(self, card: SynthesisCard) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self._card = card
        self._lock = threading.Lock()
        place = card.model or ""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        half = device.type == "cuda" and torch.cuda.is_bf16_supported()
        ready_hub(place)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(place, revision=card.revision, trust_remote_code=False)
            model: Any = AutoModelForCausalLM.from_pretrained(
                place, revision=card.revision, dtype=torch.bfloat16 if half else torch.float32, weights_only=True,
                trust_remote_code=False,
            )  # fmt: skip
        except LOADING_ERRORS as error:
            raise loading_error(place, error, key="synthesis.model") from error
        self._model: Any = model.to(device).eval()
        self._device = device

    def ask(self, call: Call) -> Answer:
        """Return the model's answer, sampled from a seed that the call's key gives."""
        import torch

        with self._lock:
            if self._tokenizer.chat_template:
                text = self._tokenizer.apply_chat_template(
                    list(call.messages), tokenize=False, add_generation_prompt=True
                )
            else:
                text = "\n\n".join(message["content"] for message in call.messages) + "\n\n"
            special = not self._tokenizer.chat_template  # a template writes the special tokens itself
            ids = self._tokenizer(text, return_tensors="pt", add_special_tokens=special).input_ids.to(self._device)
            limit = getattr(self._model.config, "max_position_embeddings", None)
            room = self._card.max_tokens if limit is None else min(self._card.max_tokens, limit - ids.shape[1])
            if room < 1:
                raise HarnessError(f"the prompt's {ids.shape[1]} tokens do not fit the model's {limit}; shorten it")
            torch.manual_seed(int.from_bytes(call.key.encode()[-7:], "big"))
            options: dict[str, Any] = {"do_sample": False}
            if self._card.temperature > 0:
                options = {"do_sample": True, "temperature": self._card.temperature}
            with torch.inference_mode():
                generated = self._model.generate(
                    ids, attention_mask=torch.ones_like(ids), max_new_tokens=room, **options,
                    pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
                )[0, ids.shape[1] :]  # fmt: skip
        answer = self._tokenizer.decode(generated, skip_special_tokens=True)
        finish = "length" if len(generated) >= room else "stop"
        return Answer(call.key, answer, finish, int(ids.shape[1]), len(generated), self._card.model or "")


def open_engine(card: SynthesisCard) -> Engine:
    """Return the engine a card names.

    :raises ConfigError: none is chosen.
    """
    if card.engine == "chat":
        return ChatEngine(card)
    if card.engine == "transformers":
        return LocalEngine(card)
    raise ConfigError("synthesis.engine is none; set synthesis.engine=chat (or transformers) and synthesis.model=NAME")
