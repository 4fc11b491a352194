from pathlib import Path

import pytest

from harness.config import compose_config
from harness.config.synthesis import FilterSettings
from harness.values.errors import ConfigError


def test_all_filters_can_be_off() -> None:
    assert not any(FilterSettings.off().model_dump().values())


def test_filters_are_keys_like_any_other(toy_card: Path) -> None:
    config = compose_config(["data=toy", "synthesis.filters.near_duplicates=null"], toy_card)
    assert config.synthesis.filters.near_duplicates is None
    with pytest.raises(ConfigError, match=r"synthesis.filters.near_duplicate: no such key; did you mean"):
        compose_config(["data=toy", "synthesis.filters.near_duplicate=0.5"], toy_card)
