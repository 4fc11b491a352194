"""What a sweep costs besides training: a warm worker beside a process per trial, two workers beside one, bookkeeping.

The trials are short on purpose (char-bilstm, the embedded corpus), so that what is paid per trial shows. Bookkeeping is
the share of one UNER English training with e5-small (HARNESS_REAL_DATA; else the embedded corpus) that goes to MLflow.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.rounds import Rounds

HARNESS = [sys.executable, "-W", "ignore", "-m", "harness", "--quiet"]
SEEDS = range(1, 9)
TRIAL = ["data=rx_mini", "method=zero_shot", "trainer.max_steps=20", "trainer.evaluations=1", "aligner=hmm",
         "tracking.proxies=none", "tracking.checkpoints=none", "tracking.system_metrics=false"]  # fmt: skip


def trials(folder: Path, way: str) -> None:
    """Run the same trials in one of the ways."""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/runs.db"}
    if way == "a process per trial":
        for seed in SEEDS:
            line = [*HARNESS, "run", *TRIAL, f"seed={seed}"]
            subprocess.run(line, env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        return
    study = folder / "study.yaml"
    overrides = "".join(f"  - {part}\n" for part in TRIAL)
    study.write_text(
        f"name: bench\ndescription: short trials\noverrides:\n{overrides}grid:\n  - method: [zero_shot]\n"
        f"seeds: {[*SEEDS]}\nbudget_per_cell: steps\nbudget_amount: 20\n",
        encoding="utf-8",
    )
    workers = "2" if way == "two workers" else "1"
    subprocess.run(
        [*HARNESS, "sweep", str(study), "--workers", workers],
        env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


class TimedTracker:
    """A tracker that notes how long each call of it takes."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.seconds = 0.0

    def _timed(self, call: Any, *arguments: Any, **settings: Any) -> Any:
        started = time.perf_counter()
        try:
            return call(*arguments, **settings)
        finally:
            self.seconds += time.perf_counter() - started

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return (lambda *given, **settings: self._timed(found, *given, **settings)) if callable(found) else found

    def __enter__(self) -> "TimedTracker":
        self._timed(self._inner.__enter__)
        return self

    def __exit__(self, *error: Any) -> None:
        self._timed(self._inner.__exit__, *error)


def bookkeeping(steps: int) -> tuple[float, float]:
    """Return the seconds of a run with e5-small and those of them that its tracker took."""
    from harness.config import compose_config
    from harness.experiment.record import run_name, run_tags
    from harness.pipeline import run_experiment
    from harness.tracking.run import open_run

    real = Path(os.environ.get("HARNESS_REAL_DATA", "")) / "ner" / "uner_en_ewt"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/runs.db"
        data = _uner_card(Path(folder), real) if (real / "train.conll").is_file() else ["data=rx_mini"]
        config = compose_config(
            [*data, "encoder=e5-small-q4", f"trainer.max_steps={steps}", "tracking.proxies=none"], Path(folder)
        )
        tracker = TimedTracker(open_run(config.tracking, run_name(config), run_tags(config, "benchmark"), None))
        started = time.perf_counter()
        run_experiment(config, command="benchmark", tracker=tracker)
        return time.perf_counter() - started, tracker.seconds


def _uner_card(folder: Path, real: Path) -> list[str]:
    files = "\n".join(f"  {split}: {{path: {real / split}.conll, format: conll}}" for split in ("train", "dev", "test"))
    (folder / "data").mkdir()
    (folder / "data" / "real.yaml").write_text(
        f"name: real\nlabels: [PER, ORG, LOC]\nlabel_map: {{OTH: null}}\nsource:\n  language: en\n{files}\n"
        f"targets:\n  de:\n    test: {{path: {real / 'test.conll'}, format: conll}}\n",
        encoding="utf-8",
    )
    return ["data=real"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=392, help="of the training whose bookkeeping is measured")
    given = parser.parse_args()
    found = Rounds()
    for _ in range(given.rounds):
        for way in ("a process per trial", "one worker", "two workers"):
            with tempfile.TemporaryDirectory() as folder:
                started = time.perf_counter()
                trials(Path(folder), way)
                found.add(way, {"seconds": time.perf_counter() - started})
    print(f"\n{len(SEEDS)} trials, {given.rounds} rounds\n")
    print("| | seconds | of one worker |\n| --- | --- | --- |")
    for name in found.names:
        print(f"| {name} | {found.median(name, 'seconds'):.1f} | {found.ratio(name, 'one worker', 'seconds')} |")
    if given.steps:
        whole, kept = bookkeeping(given.steps)
        share = 100 * kept / whole
        print(f"\n{given.steps} steps of e5-small: {whole:.0f} s, of which MLflow {kept:.1f} s ({share:.1f} %)")


if __name__ == "__main__":
    main()
