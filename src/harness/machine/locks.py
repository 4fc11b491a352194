"""Locks between processes, and temporary folders that outlive no process for long.

Both rest on ``flock``: the kernel lets go of a lock when its process ends, however it ends. A temporary folder holds
a lock as long as its process lives, so the next command can tell what a killed one left behind, and removes it.
"""

import ctypes
import fcntl
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harness.values.errors import HarnessError

logger = logging.getLogger(__name__)

SCRATCH = "harness-"
"""How temporary folders begin."""

_LOCK = ".in-use"
_MARK = b"scratch folder of harness; may be removed once no process holds the lock on this file\n"
"""What the lock's file says once it is locked: nothing without it is ever removed, whatever its name."""

_NEW = ".new-"
_UNNAMED_SECONDS = 60
"""Age from which an empty folder under its first name was left by a kill between its making and its locking."""


# Looked up here, because nothing may be loaded between fork and exec of a process with several threads.
_PRCTL: Any = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform.startswith("linux") else None
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Make this process end when its parent does, on Linux; for ``preexec_fn`` of programs that run for minutes."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def file_lock(path: Path, what: str, *, shared: bool = False, seconds: float | None = None) -> Iterator[None]:
    """Hold a lock file; wait while another process holds it, and say so.

    :param what: what is waited for, in a message: ``"another command that writes X"``.
    :param shared: several may hold it so at once.
    :param seconds: how long to wait; for ever without it.
    :raises HarnessError: the time is up, or the place cannot be written.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise HarnessError(f"cannot write {path}: {os.strerror(error.errno or 0)}; choose another place") from error
    with file:
        started = said = time.monotonic()
        while True:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                now = time.monotonic()
                if seconds is not None and now - started >= seconds:
                    raise HarnessError(
                        f"{what} is still running ({path}); wait for it and repeat the command"
                    ) from None
                if now - said > 20 or said == started:
                    logger.info("waiting for %s", what)
                    said = now
                time.sleep(0.05)
        yield


def is_locked(path: Path) -> bool:
    """Return True where a process holds a lock file."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # what is another user's is none of our business
        return True
    except OSError:
        return False
    return False


@contextmanager
def scratch_folder(prefix: str = SCRATCH, place: Path | None = None) -> Iterator[Path]:
    """Give a temporary folder, remove it at the end, and remove those that killed processes left in the same place.

    :param prefix: how its name begins.
    :param place: where it is made; the system's temporary folder without one.
    """
    place = place or Path(tempfile.gettempdir())
    remove_leftovers(place, prefix)
    hidden = Path(tempfile.mkdtemp(prefix=f"{_NEW}{prefix}", dir=place))
    with (hidden / _LOCK).open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(_MARK)
        file.flush()
        # Only now does it get the name that others look for.
        folder = place / hidden.name.removeprefix(_NEW)
        try:
            hidden.rename(folder)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(hidden, ignore_errors=True)


def release(folder: Path) -> None:
    """Take the lock's file out of a folder that has got the name of what it was made for."""
    with suppress(FileNotFoundError):
        (folder / _LOCK).unlink()


def is_scratch_mark(name: str) -> bool:
    """Return True for the name of the file that marks a scratch folder: it is none of the folder's contents."""
    return name == _LOCK


def remove_leftovers(place: Path, prefix: str = SCRATCH) -> int:
    """Remove this user's scratch folders whose process is gone; return how many.

    Only what bears our mark is removed: anybody may have a folder of such a name.

    :param prefix: how their names begin.
    """
    removed = 0
    for folder in _folders(place, (prefix, _NEW + prefix)):
        with suppress(OSError):
            if _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
            elif folder.name.startswith(_NEW) and time.time() - folder.stat().st_mtime > _UNNAMED_SECONDS:
                _remove_unmarked(folder)
    return removed


def _is_abandoned(folder: Path) -> bool:
    lock = folder / _LOCK
    return lock.is_file() and lock.read_bytes() == _MARK and not is_locked(lock)


def _remove_unmarked(folder: Path) -> None:
    """Remove a folder that was killed before its lock was marked: it holds nothing but perhaps the empty file."""
    lock = folder / _LOCK
    if lock.is_file() and not lock.stat().st_size and not is_locked(lock):
        lock.unlink()
    folder.rmdir()  # fails, and does nothing, where there is anything in it


def _folders(place: Path, prefixes: Iterable[str]) -> list[Path]:
    try:
        with os.scandir(place) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if entry.name.startswith(tuple(prefixes))
                and entry.is_dir(follow_symlinks=False)
                and entry.stat(follow_symlinks=False).st_uid == os.getuid()
            ]
    except OSError:
        return []
