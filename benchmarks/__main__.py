"""All benchmarks, one after another; a few hours on two cores. ``python -m benchmarks.NAME`` runs one."""

import subprocess
import sys

NAMES = ("commands", "scoring", "rates", "aligners", "growth", "store", "sweeps", "training")

if __name__ == "__main__":
    for name in NAMES:
        print(f"\n## {name}", flush=True)
        subprocess.run([sys.executable, "-W", "ignore", "-m", f"benchmarks.{name}"], check=True)
