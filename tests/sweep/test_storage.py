"""Studies that are resumed, shared, pruned, interrupted."""

from pathlib import Path

import pytest

from harness.sweep.storage import study_folder
from harness.values.errors import ConfigError
from tests.sweep.launch_cases import go, sweep


def test_a_study_is_run_by_one_launcher_at_a_time(toy_card: Path, tracking: str) -> None:
    from harness.sweep.storage import study_lock

    with (
        study_lock(sweep(), study_folder(tracking)),
        pytest.raises(ConfigError, match="is being run by another process"),
    ):
        go(sweep(), toy_card, tracking)


def test_a_study_name_is_no_path() -> None:
    for name in ("..", ".", "../x", "-x", ".hidden"):
        with pytest.raises(ValueError, match="name"):
            sweep(name=name)
