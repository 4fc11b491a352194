"""What the tests of several files share."""

from pathlib import Path

from harness.config.sweep import Sweep
from harness.sweep.launch import Outcome, launch
from harness.sweep.storage import study_folder
from harness.tracking.store import Store
from tests.conftest import QUICK

BASE = ["data=toy", "trainer.max_epochs=2", *QUICK]


def sweep(**settings: object) -> Sweep:
    values = {
        "name": "study", "overrides": BASE, "seeds": [1, 2],
        "grid": [{"method": ["zero_shot"]}, {"method": ["synthetic"], "method.ratio": [0.25]}], **settings,
    }  # fmt: skip
    return Sweep.model_validate(values)


def go(study: Sweep, folder: Path, tracking: str, *overrides: str, workers: int = 1) -> Outcome:
    return launch(
        study,
        [f"tracking.uri={tracking}", *overrides],
        config_dir=folder,
        workers=workers,
        command="harness sweep",
        progress=False,
    )


def runs(tracking: str) -> list:  # type: ignore[type-arg]
    store = Store(tracking)
    return store.runs([store.experiment_id("study")])


def journal(tracking: str) -> Path:
    return study_folder(tracking) / "study.journal"
