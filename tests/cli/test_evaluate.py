import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from harness.config import compose_config
from harness.pipeline import run_experiment
from harness.values.errors import UsageError
from tests.conftest import QUICK


def test_perfect_predictions_score_one(harness: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("Anna\tB-PER\nbor\tO\n", encoding="utf-8")
    done = harness("evaluate", tmp_path / "a.conll", tmp_path / "a.conll", "--json")
    assert json.loads(done.output.splitlines()[-1])["entity_f1"] == 1.0


def test_two_runs_are_tested_against_each_other(harness: Callable[..., Result], toy_card: Path, tracking: str) -> None:
    base = ["data=toy", "trainer.max_steps=4", "trainer.threads=1", f"tracking.uri={tracking}", *QUICK]
    runs = [
        run_experiment(compose_config([*base, f"seed={seed}"], toy_card), command="harness run x").run_id
        for seed in (1, 2)
    ]
    place = ["--tracking-uri", tracking]
    tested = json.loads(harness("evaluate", runs[0], "--against", runs[1], "--json", *place).stdout)
    assert [one["corpus"] for one in tested] == ["test.en", "test.sv", "test.sw"]
    assert all(0 < one["entity_f1_p_value"] <= 1 for one in tested)
    assert "test.sv" in harness("evaluate", runs[0], "--against", runs[1], *place).output
    with pytest.raises(UsageError, match="give the predictions to score as well, or two runs"):
        harness("evaluate", runs[0], *place)
