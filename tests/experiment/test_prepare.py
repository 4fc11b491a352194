import json
from pathlib import Path

import pytest

from harness.config import compose_config
from harness.experiment.prepare import prepare
from harness.experiment.warm import Warm
from harness.pipeline import run_experiment
from harness.tracking.tracker import MemoryTracker
from harness.values import names
from harness.values.errors import ConfigError, DataError
from tests.conftest import QUICK


def test_a_model_is_tested_on_the_source_and_its_targets(toy_card: Path) -> None:
    config = compose_config(
        ["data=toy", *QUICK, "method=synthetic", "method.ratio=0.25", "method.targets=separate"], toy_card
    )
    prepared = prepare(config, Warm())
    assert [prepared.part(mixture) for mixture in prepared.mixtures] == ["sv", "sw"]
    tests = [(corpus.language, corpus.split) for corpus in prepared.tests(prepared.mixtures[0])]
    assert tests == [("en", "test"), ("sv", "test"), ("sv", "dev")]
    assert prepared.cards == {} and prepared.route(prepared.tests(prepared.mixtures[0])[1]) is None


def test_bad_input_stops_before_a_run_is_opened(toy_card: Path) -> None:
    config = compose_config(["data=toy", *QUICK, "method=synthetic", "method.ratio=0.9"], toy_card)
    with pytest.raises(ConfigError, match="asks for 43 synthetic sentences"):
        prepare(config, Warm())


def with_test_gold(toy_card: Path, *, others_around: bool) -> list[str]:
    """Put the Swedish test sentences among the synthetic ones, alone or with another sentence around."""
    data = toy_card / "data"
    blocks = (data / "sv" / "test.conll").read_text(encoding="utf-8").strip().split("\n\n")
    lines = (data / "sv" / "synthetic.jsonl").read_text(encoding="utf-8").splitlines()
    for number, block in enumerate(blocks):
        tokens, tags = zip(*(row.split("\t") for row in block.splitlines()), strict=True)
        around = ["and", "then", "came", "home"] if others_around else []
        item = {"id": f"x{number}", "tokens": [*tokens, *around], "ner_tags": [*tags, *["O"] * len(around)]}
        lines.append(json.dumps(item))
    (data / "sv" / "synthetic.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["data=toy", *QUICK, "method=synthetic_only", "method.languages=[sv]"]


@pytest.mark.parametrize("others_around", [False, True])
def test_test_gold_as_training_data_stops_a_run(others_around: bool, toy_card: Path) -> None:
    overrides = with_test_gold(toy_card, others_around=others_around)
    with pytest.raises(DataError, match=r"sv.test: \d+ of 10 sentences .* stand in the training mixture .*leaks.allow"):
        prepare(compose_config(overrides, toy_card), Warm())


def test_what_is_allowed_by_name_is_tagged_and_counted(toy_card: Path) -> None:
    overrides = [*with_test_gold(toy_card, others_around=False), "leaks.allow=[sv.test]", "trainer.max_steps=1"]
    tracker = MemoryTracker()
    result = run_experiment(compose_config(overrides, toy_card), command="harness run x", tracker=tracker)
    assert tracker.tags[names.LEAKS].startswith("sv.test: ") and "exact" in tracker.tags[names.LEAKS]
    assert result.metrics["data/sv/test_sentences_in_training"] >= 8
    clean = compose_config(["data=toy", *QUICK, "leaks.allow=[sv.test]"], toy_card)
    assert not list(prepare(clean, Warm()).leaks)


def test_a_bound_can_be_stated(toy_card: Path) -> None:
    overrides = with_test_gold(toy_card, others_around=False)
    made = prepare(compose_config([*overrides, "leaks.bound=1"], toy_card), Warm())
    assert [leak.name for leak in made.leaks] == ["sv.test"]
