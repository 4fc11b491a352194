from pathlib import Path

import pytest

from harness.config import compose_config
from harness.values.errors import ConfigError


def test_target_gold_makes_an_oracle_whatever_was_asked_for(toy_card: Path) -> None:
    assert compose_config(["data=toy", "method=target_supervised"], toy_card).effective_protocol == "oracle"
    with pytest.raises(ConfigError, match="needs protocol: oracle"):
        compose_config(["data=toy", "method.dev=target"], toy_card)


def test_engines_that_take_no_part_are_left_out(toy_card: Path) -> None:
    config = compose_config(["data=toy", "translator=apertium", "aligner=hmm"], toy_card)
    assert (config.translator.kind, config.aligner.kind) == ("none", "none")


def test_the_trainer_goes_before_the_card(toy_card: Path) -> None:
    config = compose_config(["data=toy", "trainer.learning_rate=0.5", "encoder.max_epochs=7"], toy_card)
    assert (config.learning_rate, config.max_epochs) == (0.5, 7)
