from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from harness.config import compose_config
from harness.pipeline import run_experiment
from harness.tracking.records import collect
from harness.tracking.store import Store
from harness.values.errors import UsageError
from tests.conftest import QUICK


def test_an_unknown_study_names_those_there_are(harness: Callable[..., Result]) -> None:
    with pytest.raises(UsageError, match="no such sweep file"):
        harness("sweep", "nothing")


def test_a_winner_is_replicated_on_fresh_seeds(harness: Callable[..., Result], toy_card: Path, tracking: str) -> None:
    base = ["data=toy", "trainer.max_steps=2", "trainer.threads=1", *QUICK]
    for rate in (1e-4, 1e-2):
        overrides = [*base, f"trainer.learning_rate={rate}"]
        line = " ".join(["harness", "run", "--config-dir", str(toy_card), *overrides])
        run_experiment(compose_config([*overrides, f"tracking.uri={tracking}"], toy_card), command=line)
    done = harness("replicate", "harness", "--seeds", "5,6", "--tracking-uri", tracking)
    assert "char-bilstm zero_shot: best of 2" in done.output
    assert "harness-replicated: 2 trials finished" in done.output
    assert sorted(run.key("seed") for run in collect(Store(tracking), "harness-replicated")) == ["5", "6"]
    with pytest.raises(UsageError, match="was tuned on them"):
        harness("replicate", "harness", "--seeds", "1,7", "--tracking-uri", tracking)
    with pytest.raises(UsageError, match="different whole numbers by comma"):
        harness("replicate", "harness", "--seeds", "a", "--tracking-uri", tracking)
