"""Locks and leftovers between real processes, some of them killed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.machine.locks import file_lock, is_locked, remove_leftovers, scratch_folder
from harness.values.errors import HarnessError


def hold(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """Start Python and wait until it says that it holds what it wants."""
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline().strip() == "held"
    return process


LOCK = """
import sys, time
from pathlib import Path
from harness.machine.locks import file_lock
with file_lock(Path(sys.argv[1]), "x", shared=len(sys.argv) > 2):
    print("held", flush=True)
    time.sleep(60)
"""


SCRATCH = """
import sys, time
from pathlib import Path
from harness.machine.locks import scratch_folder
with scratch_folder("harness-", Path(sys.argv[1])) as folder:
    (folder / "weights").write_text("x")
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_held_by_one_process_and_let_go_by_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    process = hold(LOCK, path)
    assert is_locked(path)
    with pytest.raises(HarnessError, match="the other is still running"), file_lock(path, "the other", seconds=0):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    with file_lock(path, "the other", seconds=5):
        assert is_locked(path)
    assert not is_locked(path)


def test_shared_locks_keep_out_only_who_wants_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    process = hold(LOCK, path, "shared")
    with file_lock(path, "the other", shared=True, seconds=0):
        pass
    with pytest.raises(HarnessError), file_lock(path, "the other", seconds=0):
        pass
    process.kill()
    process.wait()


def test_the_folder_of_a_killed_process_is_removed_by_the_next_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    killed, living = hold(SCRATCH, tmp_path), hold(SCRATCH, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    with scratch_folder("harness-", tmp_path) as mine:
        assert len(list(tmp_path.iterdir())) == 2  # the living one's and mine
        assert mine.is_dir()
    (left,) = tmp_path.iterdir()
    assert (left / "weights").is_file()
    living.kill()
    living.wait()
    assert remove_leftovers(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_only_what_bears_our_mark_is_ever_removed(tmp_path: Path) -> None:
    import os

    (tmp_path / "harness-paper").mkdir()
    (tmp_path / "harness-paper" / "notes.md").write_text("mine")
    (tmp_path / "harness-empty").mkdir()
    (tmp_path / "harness-other").mkdir()
    (tmp_path / "harness-other" / ".in-use").write_text("")
    # A kill between the making of a folder and its marking leaves nothing but perhaps an empty file.
    for name in (".new-harness-1", ".new-harness-2", ".new-harness-3", ".new-harness-young"):
        (tmp_path / name).mkdir()
    (tmp_path / ".new-harness-2" / ".in-use").touch()
    (tmp_path / ".new-harness-3" / "weights").touch()
    for path in [*tmp_path.iterdir()]:
        if "young" not in path.name:
            os.utime(path, (time.time() - 3600,) * 2)
    assert remove_leftovers(tmp_path) == 0
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"harness-paper", "harness-empty", "harness-other", ".new-harness-3", ".new-harness-young"}
    assert (tmp_path / "harness-paper" / "notes.md").read_text() == "mine"
