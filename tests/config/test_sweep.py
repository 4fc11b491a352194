from pathlib import Path

import pytest

from harness.config import shipped_folder
from harness.sweep.space import load_sweep


@pytest.mark.parametrize("path", sorted(shipped_folder("sweeps").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_sweep_is_valid_and_documented(path: Path) -> None:
    sweep = load_sweep(str(path))
    assert sweep.name == path.stem and sweep.description
