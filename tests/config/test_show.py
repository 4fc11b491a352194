"""The configuration as YAML holds every key, and makes the same configuration again."""

from pathlib import Path

import pytest
import yaml

from harness.config import compose_config
from harness.config.show import resolved_yaml


@pytest.mark.parametrize(
    "overrides", [[], ["method=synthetic", "method.ratio=0.2", "encoder=e5-small-q4", "trainer.max_steps=7", "seed=3"]]
)
def test_what_is_shown_is_the_configuration(overrides: list[str], tmp_path: Path) -> None:
    config = compose_config(overrides)
    shown = resolved_yaml(config)
    values = yaml.safe_load(shown)
    fields = type(config).model_fields
    assert set(values) == {name for name, field in fields.items() if not field.exclude}
    assert values["trainer"]["learning_rate"] == config.learning_rate
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "kept.yaml").write_text("# @package _global_\n" + shown, encoding="utf-8")
    again = compose_config(["experiment=kept"], tmp_path)
    assert resolved_yaml(again) == shown
