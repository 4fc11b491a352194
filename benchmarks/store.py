"""``compare`` on stores of 100 to 10,000 runs: how its time and memory grow.

One real run is recorded; its rows are copied in the database with other ids and seeds, as sweeps would leave them.
"""

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = (100, 1000, 10_000)


def grown(path: Path, runs: int) -> None:
    """Copy the one run of a store until there are so many."""
    with sqlite3.connect(path) as connection:
        (original,) = connection.execute("SELECT run_uuid FROM runs").fetchone()
        tables = dict.fromkeys(("runs", "params", "metrics", "latest_metrics", "tags"), "run_uuid")
        for table, key in tables.items():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            chosen = ", ".join("'r' || n.value" if column == key else f"t.{column}" for column in columns)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} t, "
                f"json_each(?) n WHERE t.{key} = ?",
                (json.dumps(list(range(1, runs))), original),
            )
        connection.execute(
            "UPDATE params SET value = CAST(substr(run_uuid, 2) AS INTEGER) WHERE key = 'seed' AND run_uuid LIKE 'r%'"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    given = parser.parse_args()
    harness = [sys.executable, "-m", "harness"]
    print("\n| runs | seconds | peak MB |\n| --- | --- | --- |")
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/runs.db"}
            quick = ["trainer.max_epochs=1", "tracking.checkpoints=none", "tracking.system_metrics=false"]
            subprocess.run(
                [*harness, "--quiet", "run", *quick], env=environment, cwd=folder, check=True, capture_output=True
            )
            grown(Path(folder) / "runs.db", size)
            taken = []
            for _ in range(given.rounds):
                started = time.perf_counter()
                subprocess.run(
                    [*harness, "compare", "--format", "csv"],
                    env=environment,
                    cwd=folder,
                    check=True,
                    capture_output=True,
                )
                taken.append(time.perf_counter() - started)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"| {size} | {sorted(taken)[len(taken) // 2]:.1f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
