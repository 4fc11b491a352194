"""Worker processes on this machine."""

import logging
import multiprocessing
import multiprocessing.connection
import os
import queue
import signal
import threading
import time
from collections.abc import Sequence
from typing import Any

from harness.machine.locks import file_lock
from harness.machine.process import THREAD_VARIABLES, Lines, quiet_libraries, stop_on_sigterm
from harness.sweep.plan import Plan
from harness.sweep.storage import workers_lock
from harness.sweep.worker import work


class InProcess:
    """Runs the trials in this process: one worker, with a progress bar where there is a terminal."""

    def run(self, plan: Plan, *, progress: bool) -> list[str]:
        """Run the study, and return what failed."""
        return work(plan, progress=progress)


class LocalProcesses:
    """Runs several workers on this machine, each with its share of the cores.

    Two torch processes with all threads each slow one another down more than tenfold.
    """

    def run(self, plan: Plan, *, progress: bool) -> list[str]:
        """Run the study, and return what failed."""
        for name in THREAD_VARIABLES:
            os.environ[name] = str(plan.cores)  # inherited by the workers, which start their own threads
        context = multiprocessing.get_context("spawn")
        failures: Any = context.Queue()
        level = logging.getLogger("harness").level
        processes = [
            context.Process(target=_worker, args=(plan, failures, level, number)) for number in range(plan.workers)
        ]
        for process in processes:
            process.start()
        try:
            return _collect(processes, failures)
        finally:
            for process in processes:
                if process.is_alive():
                    process.terminate()  # SIGTERM ends its run as KILLED
            for process in processes:
                process.join(30)


def _collect(processes: Sequence[Any], failures: Any) -> list[str]:
    """Wait for the workers, and return what failed."""
    failed: list[str] = []
    while any(process.is_alive() for process in processes) or not failures.empty():
        try:
            failed.append(failures.get(timeout=0.5))
        except queue.Empty:
            continue
    for process in processes:
        process.join()
        if process.exitcode:
            failed.append(_worker_failure(process.exitcode))
    return failed


def _worker_failure(code: int) -> str:
    if code == -signal.SIGKILL:
        return (
            "a worker was killed (signal 9), by the system where memory ran out; use fewer --workers, a smaller "
            "trainer.batch_size or a smaller encoder"
        )
    return f"a worker ended with exit code {code}"


def _end_with_launcher() -> None:
    """End this worker when its launcher is gone, however that ended: nobody would wait for it or count its trials."""
    launcher = multiprocessing.parent_process()
    assert launcher is not None

    def watch() -> None:
        multiprocessing.connection.wait([launcher.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)  # ends its run as KILLED
        time.sleep(LAST_STEP_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="launcher", daemon=True).start()


LAST_STEP_SECONDS = 30.0
"""How long a worker may take to end its step of training and its run once its launcher is gone."""


def _worker(plan: Plan, failures: Any, level: int, number: int) -> None:
    logging.basicConfig(level=logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Lines(f"[{os.getpid()}] %(message)s"))
    logging.getLogger("harness").setLevel(level)
    quiet_libraries()
    stop_on_sigterm()
    _end_with_launcher()
    try:
        with file_lock(workers_lock(plan.sweep, plan.folder), "another launcher", shared=True):
            for failure in work(plan, progress=False, worker=number):
                failures.put(failure)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
