"""How long commands take to answer: help, those that load no model, and the same of a bare interpreter."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rounds import Rounds

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "harness --help": ["-m", "harness", "--help"],
    "harness run --help": ["-m", "harness", "run", "--help"],
    "harness data list": ["-m", "harness", "data", "list"],
    "harness data check rx_mini": ["-m", "harness", "data", "check", "rx_mini"],
    "harness data stats rx_mini": ["-m", "harness", "data", "stats", "rx_mini"],
    "harness evaluate GOLD PRED": ["-m", "harness", "evaluate", "gold.jsonl", "gold.jsonl"],
    "harness sweep --help": ["-m", "harness", "sweep", "--help"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    found = Rounds()
    with tempfile.TemporaryDirectory() as folder:
        spans = '[{"start": 0, "end": 4, "label": "PER"}]'
        line = '{"id": "%d", "text": "Anna went to Rome", "language": "en", "spans": ' + spans + "}"
        (Path(folder) / "gold.jsonl").write_text("\n".join(line % number for number in range(2000)), encoding="utf-8")
        for number in range(given.rounds + 1):
            for name, arguments in COMMANDS.items():
                started = time.perf_counter()
                done = subprocess.run(
                    [sys.executable, *arguments], capture_output=True, check=False, cwd=folder, env=dict(os.environ)
                )
                assert done.returncode == 0, (name, done.stderr)
                if number:  # the first round fills the caches of the disk
                    found.add(name, {"seconds": time.perf_counter() - started})
    print(f"\n{given.rounds} rounds\n\n| command | seconds |\n| --- | --- |")
    for name in found.names:
        print(f"| `{name}` | {found.median(name, 'seconds'):.2f} |")


if __name__ == "__main__":
    main()
