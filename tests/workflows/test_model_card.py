from typing import Any

import yaml

from harness.tracking.records import Record
from harness.values import names
from harness.workflows.model_card import model_card, without_places

MANIFEST: dict[str, Any] = {
    "encoder": {"name": "tiny <b>", "kind": "transformers", "license": "MIT"}, "data": "toy", "labels": ["PER"],
    "source": "en", "targets": ["sv"], "method": {"name": "zero_shot"}, "seed": 1, "protocol": "zero_shot",
    "restricted": True, "data_license": "CC-BY-4.0", "base_model": "org/tiny",
}  # fmt: skip
RECORD = Record(
    "abc", "FINISHED", {"encoder.name": "tiny"}, {names.score("test", "sv", "entity_f1"): 0.5},
    {names.COMMAND: "harness run --config-dir /home/me/cfg data=toy"},
)  # fmt: skip


def test_the_first_line_says_that_the_data_is_restricted_and_names_are_escaped() -> None:
    card = model_card(RECORD, MANIFEST, agreement=(0, 0))
    _, header, text = card.split("---\n", 2)
    assert yaml.safe_load(header)["base_model"] == "org/tiny"
    assert text.strip().startswith("**Trained on restricted data")
    assert "tiny <b>" not in text and "50.0" in text


def test_no_place_of_a_machine_is_in_it() -> None:
    assert "/home/me" not in model_card(RECORD, MANIFEST, agreement=(0, 0))
    assert "/home/me" not in without_places("harness run --config-dir /home/me/cfg encoder.path=/home/me/model")
