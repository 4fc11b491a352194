"""Runs killed (-9) at random moments of their training, and continued by the same command: the same metrics.

One kill of each kind here; ``HARNESS_KILLS=10 python -m pytest tests/test_killed_runs.py`` takes minutes and more.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import QUICK

KILLS = int(os.environ.get("HARNESS_KILLS", "1"))
EPOCHS = 16


def command(folder: Path, uri: str, encoder: list[str]) -> list[str]:
    return [
        sys.executable, "-m", "harness", "run", "--config-dir", str(folder), "data=toy", *encoder,
        "method=synthetic", "method.ratio=0.25", "method.targets=separate", f"trainer.max_epochs={EPOCHS}", f"trainer.evaluations={EPOCHS}",
        "trainer.patience=null", "trainer.threads=1", "trainer.batch_size=4", "tracking.state_seconds=0",
        f"tracking.uri={uri}", "--json",
    ]  # fmt: skip


def metrics(output: str) -> dict[str, Any]:
    found = json.loads(output.splitlines()[-1])["metrics"]
    return {name: value for name, value in found.items() if "second" not in name}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["char-bilstm", "transformer"])
def test_runs_killed_at_random_moments_end_with_the_metrics_of_an_undisturbed_one(
    kind: str, toy_card: Path, tracking: str, tiny_bert: Path, tmp_path: Path
) -> None:
    encoder = ["encoder=char-bilstm", *QUICK] if kind == "char-bilstm" else ["encoder=hf", f"encoder.path={tiny_bert}"]
    encoder += ["tracking.system_metrics=false"]
    line = command(toy_card, tracking, encoder)
    started = time.monotonic()
    reference = metrics(subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)
    whole = time.monotonic() - started
    draw = random.Random(7)
    landed = continued = 0
    while landed < KILLS:
        process = subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        for text in process.stderr:
            if "epoch 1 " in text:
                break
        time.sleep(draw.uniform(0, 0.5 * whole))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode != -signal.SIGKILL:
            continue
        landed += 1
        again = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
        continued += "training goes on in epoch" in again.stderr or "was finished before" in again.stderr
        assert metrics(again.stdout) == reference
    assert continued == landed, f"{landed} kills landed, {continued} runs went on"
