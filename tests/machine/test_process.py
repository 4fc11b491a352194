import logging
import os
import subprocess
import sys

import pytest
import torch

from harness.machine.process import Lines, collector_paused, release_freed_memory, thread_count, use_cores


def test_torch_gets_its_threads_back() -> None:
    former = torch.get_num_threads()
    with thread_count(former + 1):
        assert torch.get_num_threads() == former + 1
    assert torch.get_num_threads() == former


def test_processes_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("harness.machine.provenance.available_cores", lambda: 8)
    use_cores(4)
    assert os.environ["OMP_NUM_THREADS"] == "2"
    use_cores(1)
    assert os.environ["OMP_NUM_THREADS"] == "2", "what a user has set stays"


def test_log_lines_hold_no_password() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "at postgresql://me:secret@host", None, None)
    assert "secret" not in Lines("%(message)s").format(record)


def test_sigterm_is_an_interrupt_and_freed_memory_goes_back() -> None:
    code = (
        "import os, signal, sys; from harness.machine.process import stop_on_sigterm; stop_on_sigterm()\n"
        "try:\n    os.kill(os.getpid(), signal.SIGTERM); signal.pause()\n"
        "except KeyboardInterrupt: sys.exit(7)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 7
    release_freed_memory()


def test_the_collector_pauses_and_goes_on_whatever_happens() -> None:
    import gc

    @collector_paused()
    def paused() -> bool:
        with collector_paused():
            pass
        return not gc.isenabled()

    assert paused() and gc.isenabled()
    with pytest.raises(ValueError, match="x"), collector_paused():
        raise ValueError("x")
    assert gc.isenabled()
    gc.disable()
    try:
        paused()
        assert not gc.isenabled(), "what a caller has paused stays so"
    finally:
        gc.enable()
