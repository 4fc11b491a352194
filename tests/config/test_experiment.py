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


def test_seeds_are_the_common_one_unless_set_apart(toy_card: Path) -> None:
    config = compose_config(["data=toy", "seed=7", "seeds.init=3"], toy_card)
    assert config.resolved_seeds == {"data": 7, "init": 3, "order": 7}
    with pytest.raises(ConfigError, match="seeds.order"):
        compose_config(["data=toy", "seeds.order=-1"], toy_card)


def test_only_test_sets_of_the_card_can_be_allowed_to_leak(toy_card: Path) -> None:
    assert compose_config(["data=toy", "leaks.allow=[sv.test]"], toy_card).leaks.allow == ("sv.test",)
    with pytest.raises(ConfigError, match=r"leaks.allow: \['da.test'\] are no test sets of toy"):
        compose_config(["data=toy", "leaks.allow=[da.test]"], toy_card)


def test_an_engine_is_remembered_for_the_proxies_of_methods_without_translation(toy_card: Path) -> None:
    config = compose_config(["data=toy", "translator=apertium", "aligner=eflomal"], toy_card)
    assert (config.named_translator.kind, config.named_aligner.kind) == ("apertium", "eflomal")
