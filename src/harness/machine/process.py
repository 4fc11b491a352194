"""This process: its share of the cores, its threads, its signals, what its libraries print."""

import ctypes
import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from harness.values.errors import printable

terminal = {"debug": False}


class Lines(logging.Formatter):
    """Log lines without passwords and without anybody's escape sequences."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        from harness.machine.provenance import mask_url

        return printable(mask_url(super().format(record)))


def quiet_libraries() -> None:
    """Keep libraries from talking over our own lines; called before they are imported."""
    import warnings

    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    if not terminal["debug"]:
        warnings.filterwarnings("ignore", module=r"(pytorch_lightning|torch|mlflow|transformers|optuna)(\.|$)")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*")
        for name in ("pytorch_lightning.utilities.rank_zero", "torch", "huggingface_hub"):
            logging.getLogger(name).setLevel(logging.ERROR)
    if "transformers" in sys.modules:
        sys.modules["transformers"].logging.set_verbosity_error()


THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
"""Read by numerical libraries when they start their threads."""


def use_cores(processes: int = 1) -> None:
    """Give this process its share of the cores before numerical libraries start their threads."""
    from harness.machine.provenance import available_cores

    # Threads that spin at barriers for long take the cores from all others (beside four busy loops 56 s instead of 13),
    # and threads that sleep at once are late at the next of thousands (9.4 s instead of 6.4): spin for a moment.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    share = max(1, available_cores() // processes)
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, str(share))


def stop_on_sigterm() -> None:
    """Let SIGTERM end a command like Ctrl-C: a scheduler's kill leaves a true status and keeps answers under way."""
    import signal

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    if sys.platform != "win32":
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGHUP, stop)  # the terminal was closed


def release_freed_memory() -> None:
    """Give freed memory back to the system (glibc keeps it): what loading and the longest batch took must not add to
    what comes next. A few milliseconds, once an epoch; nothing elsewhere than on Linux.
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Read millions of small objects in proportion to their number; also a decorator.

    Python looks for circular garbage the more often the more objects are made, through all that are alive: reading
    10,000 tracked runs took 20 times as long as 1,000. What is read here holds no circles.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


@contextmanager
def thread_count(threads: int) -> Iterator[None]:
    """Run torch with so many threads and give back the former number."""
    import torch

    former = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(former)


def show_progress() -> bool:
    """Return True if a progress bar has a terminal to stand on."""
    return sys.stderr.isatty()
