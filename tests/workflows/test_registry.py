from pathlib import Path

from harness.config import compose_config
from harness.pipeline import run_experiment
from harness.tracking.store import Store
from harness.workflows.choose import choose_run
from harness.workflows.registry import register_model
from tests.conftest import QUICK


def test_an_alias_moves_on_request_alone_and_both_scores_are_shown(toy_card: Path, tracking: str) -> None:
    config = compose_config(
        ["data=toy", "trainer.max_epochs=8", "trainer.patience=null", *QUICK, f"tracking.uri={tracking}"], toy_card
    )
    run_experiment(config, command="harness run x")
    store = Store(tracking)
    record = choose_run(store, "best", "harness").record
    assert "no alias moved" in register_model(store, record, "toy", None, None)
    assert "alias champion" in register_model(store, record, "toy", None, "champion")
    told = register_model(store, record, "toy", None, "champion")
    assert told.startswith("toy version 3, alias champion") and "before it version 2" in told
    assert store.client.get_model_version_by_alias("toy", "champion").version in (3, "3")
