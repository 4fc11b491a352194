"""Generation against a real server on loopback with faults, resumption, budgets, batch files, and the command line."""

from pathlib import Path

import pytest

from harness.config import compose_config
from harness.synthesis.prompts import calls
from harness.values.errors import ConfigError
from harness.workflows.synthesise import planned_calls, surroundings


def test_prompts_differ_by_call_define_labels_and_repeat_by_seed() -> None:
    card = compose_config(["synthesis=clinical", "synthesis.model=m"]).synthesis
    labels = ("DRUG", "STRENGTH", "FORM", "DOSAGE", "FREQUENCY", "DURATION")
    made = calls(card, "fr", labels, number=30, seed=1)
    texts = [call.messages[1]["content"] for call in made]
    assert len(set(texts)) > 25 and len({call.key for call in made}) == 30
    assert texts == [call.messages[1]["content"] for call in calls(card, "fr", labels, number=30, seed=1)]
    assert "French" in texts[0] and all(f"- {label}: " in texts[0] for label in labels)
    assert "<DRUG>Amoxicillin</DRUG> <STRENGTH>500 mg</STRENGTH>" in texts[0]
    with pytest.raises(ConfigError, match=r"no definition of \['ROUTE'\]"):
        calls(card, "fr", ("ROUTE",), number=1, seed=1)


def test_another_model_or_prompt_never_gets_the_answers_of_this_one(toy_card: Path) -> None:
    def keys(*more: str) -> set[str]:
        config = compose_config(["data=toy", "synthesis=general", "synthesis.model=m", *more], toy_card)
        around = surroundings(config.data, config.data_folder or Path(), "sv")
        return {call.key for call in planned_calls(config, "sv", 3, around)}

    plain = keys()
    assert plain == keys()
    for more in (
        "synthesis.model=n",
        "synthesis.temperature=0.1",
        "synthesis.items_per_call=7",
        "synthesis.output=inline",
    ):
        assert not plain & keys(more)
