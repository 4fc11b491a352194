"""Asking models: any OpenAI-compatible server, a local transformers model, or a vendor's batch files.

Every answer is written to disk, raw, before anything reads it; a killed generation asks only for what is missing, and a
better parser runs again at no cost. Calls stop starting when the budget is used up, so it is overrun by no more than
the calls under way. Keys come from the environment and are written nowhere.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from harness.config.synthesis import SynthesisCard
from harness.machine.chat import open_client
from harness.machine.store import disk_errors, write_text
from harness.synthesis.prompts import Call
from harness.values.errors import ConfigError, DataError, HarnessError, loading_error

logger = logging.getLogger(__name__)

FAILURES = 5
"""Calls that fail one after the other, after all their retries, before the generation stops."""


class Answer(NamedTuple):
    """One stored answer.

    :param finish: why the model stopped (stop, length, content_filter …).
    """

    key: str
    text: str
    finish: str
    prompt_tokens: int
    answer_tokens: int
    model: str


class AnswerStore:
    """A JSON-lines file of answers, one line each, written before anything else happens.

    :param read_only: leave the file as it is; another process may be writing its last line.
    :raises DataError: a line in its middle is damaged. A last line cut off by a kill is taken away.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read_only = read_only
        self.answers: dict[str, Answer] = {}
        if path.is_file():
            self._read()

    def _read(self) -> None:
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.split(b"\n")[:-1], 1):
            try:
                answer = _stored_answer(json.loads(line))
            except (ValueError, KeyError, TypeError, RecursionError):
                raise DataError(
                    f"{self._path}:{number}: not a stored answer; move the file away to start anew"
                ) from None
            self.answers.setdefault(answer.key, answer)
        if whole != content and not self._read_only:
            logger.warning("%s: the last line was cut off and is asked for again", self._path)
            with self._path.open("r+b") as file:
                file.truncate(len(whole))

    def add(self, answer: Answer) -> None:
        """Keep an answer; it is on disk when this returns."""
        line = json.dumps(answer._asdict(), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with self._lock, disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            self.answers[answer.key] = answer

    def usage(self, card: SynthesisCard) -> dict[str, float]:
        """Return calls, tokens and money of all answers stored."""
        with self._lock:
            return usage_of(list(self.answers.values()), card)


def usage_of(answers: Sequence[Answer], card: SynthesisCard) -> dict[str, float]:
    """Return calls, tokens and money of answers."""
    prompt = sum(answer.prompt_tokens for answer in answers)
    given = sum(answer.answer_tokens for answer in answers)
    money = (prompt * card.price_prompt + given * card.price_answer) / 1e6
    return {"calls": len(answers), "prompt_tokens": prompt, "answer_tokens": given, "money": money}


def _stored_answer(value: Any) -> Answer:
    """Return an answer as it was stored.

    :raises KeyError, TypeError, ValueError: a part is missing or of another type.
    """
    answer = Answer(**{name: value[name] for name in Answer._fields})
    for name, kind in Answer.__annotations__.items():
        part = getattr(answer, name)
        if not isinstance(part, kind) or isinstance(part, bool):
            raise TypeError(name)
    if min(answer.prompt_tokens, answer.answer_tokens) < 0:
        raise ValueError("tokens")
    return answer


class Engine(Protocol):
    """What answers a call."""

    def ask(self, call: Call) -> Answer:
        """Return the answer.

        :raises HarnessError: none came after all retries.
        """


@dataclass
class Outcome:
    """What a generation came to.

    :param failed: calls without an answer; the same command asks for them again.
    :param stopped: why it stopped before the last call (budget, failures); empty otherwise.
    """

    asked: int = 0
    known: int = 0
    failed: int = 0
    stopped: str = ""
    reasons: list[str] = field(default_factory=list)


def ask_all(engine: Engine, wanted: Sequence[Call], store: AnswerStore, card: SynthesisCard) -> Outcome:
    """Ask for every call whose answer is not stored yet, several at once, within the budget."""
    outcome = Outcome(known=sum(call.key in store.answers for call in wanted))
    left = iter([call for call in wanted if call.key not in store.answers])
    running: dict[Future[None], Call] = {}

    def answered(call: Call) -> None:
        # The worker stores: an answer that arrives while the program is being stopped is paid for, so it is kept.
        store.add(engine.ask(call))

    in_a_row = 0
    said = time.monotonic()
    with ThreadPoolExecutor(max_workers=card.concurrency) as pool:
        try:
            while True:
                while not outcome.stopped and len(running) < card.concurrency:
                    spent = _spent(card, store)
                    if spent:
                        outcome.stopped = spent
                        break
                    call = next(left, None)
                    if call is None:
                        break
                    running[pool.submit(answered, call)] = call
                if not running:
                    return outcome
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    running.pop(future)
                    try:
                        future.result()
                    except HarnessError as error:
                        outcome.failed += 1
                        outcome.reasons.append(str(error))
                        in_a_row += 1
                        if in_a_row >= FAILURES and not outcome.stopped:
                            outcome.stopped = f"{in_a_row} calls failed one after the other, the last: {error}"
                    else:
                        in_a_row = 0
                        outcome.asked += 1
                if time.monotonic() - said > 15:
                    said = time.monotonic()
                    logger.info("%d of %d answers", len(store.answers), len(wanted))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)  # calls under way end and are kept
            raise


def _spent(card: SynthesisCard, store: AnswerStore) -> str:
    """Say which budget is used up, or return an empty string."""
    usage = store.usage(card)
    tokens = usage["prompt_tokens"] + usage["answer_tokens"]
    if card.budget_tokens is not None and tokens >= card.budget_tokens:
        return f"synthesis.budget_tokens={card.budget_tokens} is used up ({tokens:.0f} tokens)"
    if card.budget_money is not None and usage["money"] >= card.budget_money:
        return f"synthesis.budget_money={card.budget_money:g} is used up ({usage['money']:.4g})"
    return ""


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
        extra = {"response_format": _format(call)} if structured else {}
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


def _format(call: Call) -> dict[str, Any]:
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
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(place, revision=card.revision, trust_remote_code=False)
            model: Any = AutoModelForCausalLM.from_pretrained(
                place, revision=card.revision, dtype=torch.bfloat16 if half else torch.float32, weights_only=True,
                trust_remote_code=False,
            )  # fmt: skip
        except (OSError, ValueError, ImportError, RuntimeError) as error:
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
                made = self._model.generate(
                    ids, attention_mask=torch.ones_like(ids), max_new_tokens=room, **options,
                    pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
                )[0, ids.shape[1] :]  # fmt: skip
        answer = self._tokenizer.decode(made, skip_special_tokens=True)
        finish = "length" if len(made) >= room else "stop"
        return Answer(call.key, answer, finish, int(ids.shape[1]), len(made), self._card.model or "")


def open_engine(card: SynthesisCard) -> Engine:
    """Return the engine a card names.

    :raises ConfigError: none is chosen.
    """
    if card.engine == "chat":
        return ChatEngine(card)
    if card.engine == "transformers":
        return LocalEngine(card)
    raise ConfigError("synthesis.engine is none; set synthesis.engine=chat (or transformers) and synthesis.model=NAME")


def write_batch(path: Path, wanted: Iterable[Call], card: SynthesisCard) -> int:
    """Write requests for a vendor's batch API (the JSON lines of OpenAI's), and return how many."""
    lines = []
    for call in wanted:
        body: dict[str, Any] = {
            "model": card.model, "messages": list(call.messages), "temperature": card.temperature,
            "max_tokens": card.max_tokens,
        }  # fmt: skip
        if card.structured:
            body["response_format"] = _format(call)
        line = {"custom_id": call.key, "method": "POST", "url": "/v1/chat/completions", "body": body}
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    write_text(path, "".join(lines))
    return len(lines)


def collect_batch(path: Path, store: AnswerStore) -> dict[str, int]:
    """Put the answers of a batch API's output file into a store.

    :returns: ``collected``, ``known`` (stored before) and ``failed``.
    :raises DataError: a line is no JSON object with a ``custom_id``.
    """
    counts = {"collected": 0, "known": 0, "failed": 0}
    for number, line in _lines(path):
        try:
            value = json.loads(line)
            key = str(value["custom_id"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise DataError(f"{path}:{number}: not a line of a batch's output (JSON with custom_id)") from None
        if key in store.answers:
            counts["known"] += 1
            continue
        try:
            body = value["response"]["body"]
            choice = body["choices"][0]
            usage = body.get("usage") or {}
            value = {
                "key": key, "text": choice["message"].get("content") or "",
                "finish": choice.get("finish_reason") or "", "model": body.get("model") or "",
                "prompt_tokens": int(usage.get("prompt_tokens", 0)),
                "answer_tokens": int(usage.get("completion_tokens", 0)),
            }  # fmt: skip
            store.add(_stored_answer(value))
            counts["collected"] += 1
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError):
            counts["failed"] += 1
    return counts


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line
