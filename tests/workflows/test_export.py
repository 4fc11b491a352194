from pathlib import Path

import pytest

from harness.config import compose_config
from harness.pipeline import run_experiment
from harness.tracking.store import Store
from harness.values.errors import UsageError
from harness.workflows.choose import choose_run
from harness.workflows.export import export_run
from tests.conftest import QUICK

FAST = ["data=toy", "trainer.max_epochs=8", "trainer.patience=null", "trainer.threads=1", *QUICK]


def test_an_export_predicts_what_the_run_stored_and_replaces_only_its_own(
    toy_card: Path, tracking: str, tmp_path: Path
) -> None:
    run_experiment(compose_config([*FAST, f"tracking.uri={tracking}"], toy_card), command="harness run x")
    store = Store(tracking)
    record = choose_run(store, "best", "harness").record
    exported = export_run(store, record, tmp_path / "out")
    assert exported.agreement == exported.probes > 0
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"harness.json", "README.md", "model.safetensors"}
    assert export_run(store, record, tmp_path / "out").folder == tmp_path / "out", "its own is replaced"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="is not an exported model"):
        export_run(store, record, tmp_path / "mine")
