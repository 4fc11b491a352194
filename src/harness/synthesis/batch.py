"""Files of a vendor's batch API: requests out, answers in."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.config.synthesis import SynthesisCard
from harness.machine.files import write_text
from harness.synthesis.answers import AnswerStore, stored_answer
from harness.synthesis.engines import response_format
from harness.synthesis.prompts import Call
from harness.values.errors import DataError


def write_batch(path: Path, wanted: Iterable[Call], card: SynthesisCard) -> int:
    """Write requests for a vendor's batch API (the JSON lines of OpenAI's), and return how many."""
    lines = []
    for call in wanted:
        body: dict[str, Any] = {
            "model": card.model, "messages": list(call.messages), "temperature": card.temperature,
            "max_tokens": card.max_tokens,
        }  # fmt: skip
        if card.structured:
            body["response_format"] = response_format(call)
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
            store.add(stored_answer(value))
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
