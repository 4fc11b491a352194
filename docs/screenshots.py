"""Takes the pictures of MLflow's UI that the pages show, in headless Chromium, from the runs of ``make demo``.

Usage: ``make screenshots``, or ``python docs/screenshots.py FOLDER [--tracking-uri URI] [--experiment demo]``. Needs
chromium (Debian: ``apt-get install chromium``). Pictures follow the machine's fonts, so no test compares them.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

from harness.tracking.records import collect
from harness.tracking.store import Store, existing_store
from harness.tracking.view import TRAINING_MODE, view_address

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def photograph(browser: str, address: str, picture: Path, size: tuple[int, int], seconds: int = 15) -> None:
    """Load a page, let its scripts run for so long, and keep what is seen."""
    with tempfile.TemporaryDirectory() as profile:
        where = (f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}", f"--screenshot={picture}")
        command = [browser, *QUIET, *where, f"--virtual-time-budget={1000 * seconds}", address]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    sys.stdout.write(f"wrote {picture}\n")


def pages(base: str, store: Store, experiment: str) -> dict[str, tuple[str, tuple[int, int]]]:
    """Return address and size of each picture."""
    number = store.experiment_id(experiment, create=False)
    runs = [record.run_id for record in collect(store, experiment) if record.status == "FINISHED"]
    chosen = quote(str(runs[:3]).replace("'", '"').replace(" ", ""))
    return {
        "mlflow-runs.png": (view_address(base, number), (2000, 660)),
        "mlflow-run.png": (f"{base}/#/experiments/{number}/runs/{runs[-1]}?{TRAINING_MODE}", (1500, 1400)),
        "mlflow-compare.png": (
            f"{base}/#/compare-runs?runs={chosen}&experiments=%5B%22{number}%22%5D&{TRAINING_MODE}",
            (1500, 1000),
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tracking-uri")
    parser.add_argument("--experiment", default="demo")
    given = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit("no chromium found; install it (Debian: apt-get install chromium)")
    uri = existing_store(given.tracking_uri)
    command = [sys.executable, "-m", "harness", "ui", "--tracking-uri", uri]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        address = re.search(r"http://[\w.:]+", server.stderr.readline())
        if address is None:
            sys.exit("harness ui told no address")
        try:
            for _ in range(60):
                try:
                    urllib.request.urlopen(f"{address[0]}/health", timeout=2)  # noqa: S310 - our own server
                    break
                except OSError:
                    time.sleep(1)
            for name, (page, size) in pages(address[0], Store(uri), given.experiment).items():
                photograph(browser, page, given.folder / name, size)
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
