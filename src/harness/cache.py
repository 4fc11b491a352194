"""One content-addressed store for slow results, and the atomic writes everything else uses too.

An entry is a folder named by a digest of what went in (input, model and revision, settings). It is
written under a temporary name and renamed when complete: a reader sees a whole entry or none, so a kill
at any moment costs at most the entry in the making. Restricted corpora must not be put here.

The place is ``$HARNESS_CACHE``, else ``$XDG_CACHE_HOME/harness``, else ``~/.cache/harness``.
"""

import errno
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from harness.errors import DataError, HarnessError

FORMAT = 1
"""Enters every key: raised when the layout of an entry changes, so that old entries are not read."""


def cache_folder() -> Path:
    """Return the folder of the cache; it may not exist yet."""
    named = os.environ.get("HARNESS_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "harness"


def cache_key(kind: str, **parts: object) -> str:
    """Return the 32-digit key of what a result depends on.

    :param parts: JSON-serialisable; their order does not matter.
    """
    text = json.dumps([FORMAT, kind, parts], sort_keys=True, ensure_ascii=False)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def cached_folder(kind: str, key: str, write: Callable[[Path], None]) -> Path:
    """Return the entry's folder, calling ``write(folder)`` to fill it if there is none.

    Two processes may make the same entry at once; the first to finish wins and both read that one.
    """
    entry = cache_folder() / kind / key
    if entry.is_dir():
        return entry
    with disk_errors(entry):
        entry.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=entry.parent))
    try:
        with disk_errors(entry):
            write(scratch)
        try:
            scratch.rename(entry)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return entry


class Rows(Protocol):
    """Results that come in many small pieces (a sentence's translation), kept batch by batch."""

    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the values there are."""

    def put(self, values: Mapping[str, str]) -> None:
        """Keep a batch: all of it or nothing, whenever the process is killed."""


class MemoryRows:
    """Rows of this process alone: for restricted corpora, whose text must not reach the disk."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the values there are."""
        return {key: self._values[key] for key in keys if key in self._values}

    def put(self, values: Mapping[str, str]) -> None:
        """Keep a batch."""
        self._values.update(values)


class DiskRows:
    """Rows in one SQLite file of the cache folder; several processes may use it at once.

    :param kind: name of the file; one for each sort of result.
    """

    def __init__(self, kind: str) -> None:
        self._path = cache_folder() / f"{kind}.sqlite"

    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the values there are."""
        found: dict[str, str] = {}
        with self._open() as connection:
            for start in range(0, len(keys), 500):  # SQLite bounds the variables of a statement
                part = list(keys[start : start + 500])
                marks = ",".join("?" * len(part))
                query = f"SELECT key, value FROM rows WHERE key IN ({marks})"  # noqa: S608 - marks are question marks
                found.update(connection.execute(query, part))
        return found

    def put(self, values: Mapping[str, str]) -> None:
        """Keep a batch in one transaction."""
        with self._open() as connection:
            connection.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?)", values.items())

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = sqlite3.connect(self._path, timeout=60)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            raise HarnessError(
                f"cannot use the cache {self._path}: {error}; free some space, or delete the file (it is made anew)"
            ) from error


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Give a temporary path beside ``target`` and rename it to ``target`` when the block ends well.

    A link's own target is replaced; a device (``/dev/null``) is written to and stays what it is.
    """
    target = target.resolve()
    device = target.exists() and not target.is_file()
    if target.is_dir():
        raise DataError(f"cannot write {target}: it is a folder; name a file")
    place = Path(tempfile.gettempdir()) if device else target.parent
    with disk_errors(target):
        place.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=place)
    os.close(handle)
    scratch = Path(name)
    try:
        with disk_errors(target):
            yield scratch
            if device:
                target.write_bytes(scratch.read_bytes())
                return
            # mkstemp makes private files; what we leave behind gets the ordinary permissions.
            scratch.chmod(0o666 & ~_umask())
            scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write a text file whole or not at all (UTF-8, ``\\n`` line ends)."""
    with atomic_path(target) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def disk_errors(target: Path) -> Iterator[None]:
    """Turn a full or read-only disk into one sentence that names the place and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in (
            errno.ENOSPC,
            errno.EDQUOT,
            errno.EROFS,
            errno.EACCES,
            errno.EPERM,
            errno.EFBIG,
            errno.ENOTDIR,
            errno.EEXIST,
            errno.ENOENT,
        ):
            raise
        raise HarnessError(
            f"cannot write {target}: {os.strerror(error.errno)}; "
            "free some space or choose another place, then repeat the command (nothing half-written is kept)"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
