"""The parser on every defect known, and on mutated answers: no exception, no hang, no invented span."""

import pytest

from harness.answers.items import Legend
from tests.synthesis.parse_cases import entities, parse

RIGHT = '{"text": "Anna bor i Lund.", "entities": [{"text": "Anna", "label": "PER"}, {"text": "Lund", "label": "LOC"}]}'


DRAFT = '{"text": "Anna bor i Lund.", "entities": [{"text": "Anna", "label": "LOC"}, {"text": "Lund", "label": "PER"}]}'


@pytest.mark.parametrize(
    ("answer", "kept", "note"),
    [
        (f"<think>First: {DRAFT} no.</think>{RIGHT}", 1, "draft_removed"),
        (f"<THINK >\n{DRAFT}\n</think >\n```json\n{RIGHT}\n```", 1, "draft_removed"),
        (f"First: {DRAFT} no, swapped.\n</think>\n{RIGHT}", 1, "draft_removed"),  # the template had opened it
        (f"<think>First: {DRAFT} and then", 0, "draft_never_closed"),  # the answer ended while it was thinking
        (f"{RIGHT}<think>{DRAFT}", 1, "draft_never_closed"),
        (f"<reasoning><think>{DRAFT}</think> {DRAFT}</reasoning>{RIGHT}", 1, "draft_removed"),
        (f"[THINK]{DRAFT}[/THINK]{RIGHT}", 1, "draft_removed"),
        (f"◁think▷{DRAFT}◁/think▷{RIGHT}", 1, "draft_removed"),
        (f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final<|message|>{RIGHT}", 1,
         "draft_removed"),
        (f"{RIGHT}</think>", 1, "draft_removed"),
        (f"<reflection>{DRAFT}</reflection>{RIGHT}", 1, "draft_removed"),
        (f"analysis{DRAFT}assistantfinal{RIGHT}", 1, "draft_removed"),
        (RIGHT.replace("Anna bor i Lund.", "Anna bor i Lund. <think>"), 1, ""),  # a text about tags is no draft
        (RIGHT, 1, ""),
    ],
)  # fmt: skip
def test_drafts_of_reasoning_models_are_no_answers(answer: str, kept: int, note: str) -> None:
    parsed = parse(answer, Legend(("PER", "LOC")))
    assert entities(parsed) == [[("Anna", "PER"), ("Lund", "LOC")]] * kept
    assert parsed.items == kept
    assert (parsed.notes[note] == 1) if note else not any(name.startswith("draft") for name in parsed.notes)


def test_a_label_called_like_a_draft_stays_a_label() -> None:
    parsed = parse("<THOUGHT>Anna</THOUGHT> bor i Lund.", Legend(("THOUGHT",)))
    assert entities(parsed) == [[("Anna", "THOUGHT")]]
