from pathlib import Path

import pytest

from harness.config import compose_config
from harness.experiment.prepare import prepare
from harness.experiment.warm import Warm
from harness.values.errors import ConfigError
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
