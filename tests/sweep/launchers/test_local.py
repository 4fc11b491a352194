"""Studies that are resumed, shared, pruned, interrupted."""

import subprocess
import sys
from pathlib import Path

import psutil
import yaml

from harness.values import names
from tests.sweep.launch_cases import BASE, go, runs, sweep


def test_two_workers_share_the_cells(toy_card: Path, tracking: str) -> None:
    outcome = go(sweep(), toy_card, tracking, workers=2)
    assert (outcome.finished, outcome.failed) == (4, ())
    trials = [run for run in runs(tracking) if run.data.tags.get(names.PARENT)]
    assert len({(run.data.params["method.name"], run.data.params["seed"]) for run in trials}) == len(trials) == 4


def test_workers_end_with_their_launcher(toy_card: Path, tracking: str, tmp_path: Path) -> None:
    grid = {"method": ["synthetic"], "method.ratio": [0.1, 0.2, 0.3, 0.4]}
    file = tmp_path / "study.yaml"
    overrides = [*BASE, f"tracking.uri={tracking}", "trainer.max_epochs=400", "trainer.evaluations=400"]
    file.write_text(yaml.safe_dump({"name": "study", "overrides": overrides, "grid": [grid], "seeds": [1]}))
    launcher = subprocess.Popen(
        [sys.executable, "-m", "harness", "sweep", str(file), "--config-dir", str(toy_card), "--workers", "2"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert launcher.stderr
    while "epoch 1 " not in launcher.stderr.readline():
        assert launcher.poll() is None
    family = psutil.Process(launcher.pid).children(recursive=True)
    workers = [process for process in family if "spawn_main" in " ".join(process.cmdline())]
    assert len(workers) == 2
    launcher.kill()
    _, alive = psutil.wait_procs(workers, timeout=40)
    assert alive == []
