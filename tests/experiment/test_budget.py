"""Steps told from the data are those that training makes."""

from pathlib import Path

import pytest

from harness.config import compose_config
from harness.experiment.budget import natural_steps, natural_tokens
from harness.experiment.warm import Warm
from harness.pipeline import run_experiment
from harness.values.errors import ConfigError
from tests.conftest import QUICK

BASE = ["data=toy", "trainer.max_epochs=2", "trainer.batch_size=8", "trainer.threads=1", *QUICK]
FILE = ["translator=file", "aligner=hmm", "method.languages=[sv]"]


@pytest.mark.parametrize(
    "method",
    [
        ["method=zero_shot"], ["method=synthetic", "method.ratio=0.25"], ["method=synthetic_only"],
        ["method=synthetic", "method.ratio=0.25", "method.fill=replace"],
        ["method=synthetic", "method.ratio=0.25", "method.fill=upsample"],
        ["method=translate_train", *FILE], ["method=translate_test", *FILE], ["method=target_supervised"],
        ["method=synthetic", "method.ratio=0.25", "trainer.accumulate_batches=3"],
    ],
    ids=lambda method: "-".join(part.rpartition("=")[2] for part in method),
)  # fmt: skip
def test_steps_are_foretold(method: list[str], toy_card: Path, tracking: str) -> None:
    config = compose_config([*BASE, f"tracking.uri={tracking}", "tracking.proxies=none", *method], toy_card)
    result = run_experiment(config, command="harness run x")
    assert natural_steps(config, Warm()) == result.metrics["train/steps"]


def test_of_separate_models_the_longest_counts(toy_card: Path) -> None:
    joint = compose_config([*BASE, "method=synthetic", "method.ratio=0.25"], toy_card)
    separate = compose_config([*BASE, "method=synthetic", "method.ratio=0.25", "method.targets=separate"], toy_card)
    assert natural_steps(joint, Warm()) == 2 * 9  # 48 + 2 × 12 sentences in batches of 8
    assert natural_steps(separate, Warm()) == 2 * 8
    assert natural_tokens(joint, Warm()) > natural_tokens(separate, Warm())


def test_what_cannot_be_mixed_shows_before_anything_is_trained(toy_card: Path) -> None:
    with pytest.raises(ConfigError, match="asks for 96 synthetic sentences"):
        natural_steps(compose_config([*BASE, "method=synthetic", "method.ratio=2"], toy_card), Warm())
