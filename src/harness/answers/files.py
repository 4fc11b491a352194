"""Files of raw answers: read, parsed, every item accounted for."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.answers.items import Legend
from harness.answers.parse import Parsed, Rejected, parse_answer
from harness.values.account import Account
from harness.values.errors import DataError, listing
from harness.values.languages import normalise_language
from harness.values.records import Sentence


@dataclass(frozen=True)
class ParsedAnswers:
    """Files of answers, read; every item of theirs is a sentence or rejected.

    :param rejected: (id of the answer, item).
    :param account: ``answers``, ``answers_without_items``, ``items``, ``parsed``, ``rejected/REASON``, ``notes/…``;
        ``items = parsed + sum(rejected)``.
    :param illegal: ids of sentences with illegal tags, see :class:`harness.answers.parse.Parsed`.
    """

    sentences: list[Sentence]
    rejected: list[tuple[str, Rejected]]
    account: Account
    illegal: set[str]


def read_answers(path: Path, field_path: str) -> list[tuple[str, str]]:
    """Read raw answers: JSON lines, the text found by a dotted path (``response.choices.0.message.content``).

    :returns: (id, text) of each line; the text is empty where the path leads to nothing.
    :raises DataError: the file is missing, a line is no JSON object, or no line at all has the field.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    answers = []
    texts_read = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                value: Any = json.loads(line.decode("utf-8", "replace"))
            except (ValueError, RecursionError):
                raise DataError(f"{path}:{number}: not a JSON object; raw answers are JSON lines") from None
            for key in field_path.split("."):
                if isinstance(value, dict):
                    value = value.get(key)
                elif isinstance(value, list) and key.lstrip("-").isdigit() and -len(value) <= int(key) < len(value):
                    value = value[int(key)]
                else:
                    value = None
            texts_read += isinstance(value, str)
            answers.append((str(number), value if isinstance(value, str) else ""))
    if answers and not texts_read:
        with path.open("rb") as file:
            first = json.loads(next(line for line in file if line.strip()).decode("utf-8", "replace"))
        keys = listing(first) if isinstance(first, dict) else type(first).__name__
        raise DataError(f"{path}: no line has the field {field_path!r}; the first line has {keys}; give --text-field")
    return answers


def parse_answers(
    answers: Sequence[tuple[str, str]], legend: Legend, language: str, *, repairs: Sequence[str] = (), name: str = ""
) -> ParsedAnswers:
    """Parse answers and count every item.

    :param name: start of the sentences' ids.
    """
    tag = normalise_language(language)
    parsed = ParsedAnswers([], [], Account({"answers": len(answers)}), set())
    account = parsed.account
    for number, text in answers:
        answer: Parsed = parse_answer(text, legend, tag, f"{name}{number}", repairs)
        parsed.sentences.extend(answer.sentences)
        parsed.rejected.extend((number, item) for item in answer.rejected)
        parsed.illegal.update(answer.illegal)
        account["items"] += answer.items
        account["answers_without_items"] += not answer.items
        for note, count in answer.notes.items():
            account[f"notes/{note}"] += count
        for item in answer.rejected:
            account[f"rejected/{item.reason}"] += 1
    account["parsed"] = len(parsed.sentences)
    return parsed
