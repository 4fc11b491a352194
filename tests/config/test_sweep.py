from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.config import shipped_folder
from harness.config.sweep import PrunerConfig, Sweep
from harness.sweep.space import load_sweep


@pytest.mark.parametrize("path", sorted(shipped_folder("sweeps").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_sweep_is_valid_and_documented(path: Path) -> None:
    sweep = load_sweep(str(path))
    assert sweep.name == path.stem and sweep.description


def test_a_cell_may_be_searched_but_no_key_both_ways() -> None:
    both = {"name": "s", "grid": {"method": ["zero_shot"]}, "budget": {"trials": 2}}
    space = {"trainer.learning_rate": {"low": 1e-5, "high": 1e-3}}
    assert Sweep.model_validate({**both, "search": space}).study == "s"
    with pytest.raises(ValidationError, match="stand in the grid and in the search"):
        Sweep.model_validate({**both, "search": {"method": {"choices": ["zero_shot"]}}})


def test_the_former_name_of_a_pruners_warm_up_is_read() -> None:
    assert PrunerConfig.model_validate({"name": "median", "warmup_epochs": 4}).warmup_evaluations == 4
