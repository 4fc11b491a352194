"""Answers of a generation, kept as they come."""

import json
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.config.synthesis import SynthesisCard
from harness.machine.files import disk_errors
from harness.values.errors import DataError

logger = logging.getLogger(__name__)


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
                answer = stored_answer(json.loads(line))
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


def stored_answer(value: Any) -> Answer:
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
