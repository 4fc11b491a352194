"""Studies that are resumed, shared, pruned, interrupted."""

from pathlib import Path

import pytest

from harness.tracking.store import Store
from harness.values.errors import ConfigError
from tests.sweep.launch_cases import go, sweep


def test_a_mistake_in_any_cell_stops_before_the_first_runs(toy_card: Path, tracking: str) -> None:
    with pytest.raises(ConfigError, match=r"cell method=nothing: method=nothing: no such choice"):
        go(sweep(grid=[{"method": ["zero_shot", "nothing"]}]), toy_card, tracking)
    assert Store(tracking).client.get_experiment_by_name("study") is None


def test_other_settings_of_a_grid_are_other_trials(toy_card: Path, tracking: str) -> None:
    go(sweep(seeds=[1]), toy_card, tracking, "trainer.max_steps=3")
    outcome = go(sweep(seeds=[1]), toy_card, tracking, "trainer.max_steps=1")
    assert outcome.finished == 2
    assert outcome.best is not None
    best = Store(tracking).client.get_run(outcome.best["run_id"])
    assert best.data.params["trainer.max_steps"] == "1"
