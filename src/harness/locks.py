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

from harness.errors import HarnessError

logger = logging.getLogger(__name__)

SCRATCH = "harness-"
"""How temporary folders begin."""

_LOCK = ".in-use"
_NEW = ".new-"
_UNNAMED_SECONDS = 60
"""Age from which a folder without a lock was left by a kill between its making and its locking."""


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
    except BlockingIOError:
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
        # Only now does it get the name that others look for.
        folder = place / hidden.name.removeprefix(_NEW)
        try:
            hidden.rename(folder)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(hidden, ignore_errors=True)


def release(folder: Path) -> None:
    """Take the lock's file out of a scratch folder that is about to be renamed to what it was made for."""
    with suppress(FileNotFoundError):
        (folder / _LOCK).unlink()


def remove_leftovers(place: Path, prefix: str = SCRATCH) -> int:
    """Remove scratch folders whose process is gone; return how many.

    :param prefix: how their names begin.
    """
    removed = 0
    for folder in _folders(place, (prefix, _NEW + prefix)):
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _is_abandoned(folder: Path) -> bool:
    lock = folder / _LOCK
    if lock.exists():
        return not is_locked(lock)
    # Killed before it had its lock, or made by an older version: only an old one is surely nobody's.
    try:
        return time.time() - folder.stat().st_mtime > _UNNAMED_SECONDS
    except OSError:
        return False


def _folders(place: Path, prefixes: Iterable[str]) -> list[Path]:
    try:
        with os.scandir(place) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if entry.name.startswith(tuple(prefixes)) and entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return []
