"""The parser on every defect known, and on mutated answers: no exception, no hang, no invented span."""

import json
import os
import random
from pathlib import Path

import pytest

from harness.answers.files import read_answers
from harness.answers.items import Legend
from harness.answers.parse import parse_answer

REAL = Path(os.environ.get("HARNESS_REAL_DATA", "")) / "llm"


@pytest.mark.skipif(not os.environ.get("HARNESS_REAL_DATA") or not REAL.is_dir(), reason="set HARNESS_REAL_DATA")
@pytest.mark.parametrize(
    "file", sorted(REAL.glob("*.raw.jsonl")) if REAL.is_dir() else [], ids=lambda path: path.name[:12]
)
def test_real_answers_keep_the_floor_and_survive_mutation(file: Path) -> None:
    field = "raw_output" if "Llama" in file.name else "response.choices.0.message.content"
    tags = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
    legend = Legend.of_tags(tags + (["B-DATE", "I-DATE"] if file.name[:3] in ("swa", "yor") else []))
    answers = read_answers(file, field)
    usable = sum(len(parse_answer(text, legend, "sv", key).sentences) for key, text in answers)
    floor = 0
    for line in file.with_name(file.name.replace("raw", "recovered")).read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        tokens, numbers = item.get("tokens"), item.get("ner_tags")
        floor += (
            isinstance(tokens, list) and isinstance(numbers, list) and 0 < len(tokens) == len(numbers)
            and all(isinstance(token, str) for token in tokens)
            and all(isinstance(number, int) and 0 <= number < len(legend.tags or ()) for number in numbers)
        )  # fmt: skip
    assert usable >= floor
    draw = random.Random(0)
    for _, text in answers[:60]:
        raw = bytearray(text.encode())
        for _ in range(draw.randint(1, 30)):
            place = draw.randrange(len(raw))
            raw[place : place + draw.randint(0, 4)] = draw.randbytes(draw.randint(0, 3))
        parsed = parse_answer(raw.decode("utf-8", "replace"), legend, "sv", "x", ("trailing_tag", "null_escape"))
        assert parsed.items == len(parsed.sentences) + len(parsed.rejected)
