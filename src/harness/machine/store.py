"""One content-addressed store for slow results, and the atomic writes everything else uses too.

An entry is a folder named by a digest of what went in (input, model and revision, settings). It is
written under a temporary name and renamed when complete: a reader sees a whole entry or none, so a kill
at any moment costs at most the entry in the making. Digests of its files lie in it, and what does not fit them any
more is made anew. Restricted corpora must not be put here.

The place is ``$HARNESS_CACHE``, else ``$XDG_CACHE_HOME/harness``, else ``~/.cache/harness``.
"""

import errno
import json
import logging
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from harness.machine.files import disk_errors
from harness.machine.locks import file_lock, is_locked, is_scratch_mark, release, remove_leftovers, scratch_folder
from harness.machine.provenance import file_digest
from harness.values.errors import HarnessError

logger = logging.getLogger(__name__)


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


DIGESTS = "digests.json"
"""Name of an entry's list of digests."""


def cached_folder(kind: str, key: str, write: Callable[[Path], None]) -> Path:
    """Return the entry's folder, calling ``write(folder)`` to fill it if there is none, or a damaged one.

    Two processes may make the same entry at once; the first to finish wins and both read that one.
    """
    entry = cache_folder() / kind / key
    if entry.is_dir():
        if is_whole(entry):
            return entry
        logger.warning("cache entry %s is damaged and is made anew", entry)
        shutil.rmtree(entry, ignore_errors=True)
    with disk_errors(entry):
        entry.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(entry), scratch_folder(f".{key}-", entry.parent) as scratch:
        write(scratch)
        write_digests(scratch)
        try:
            scratch.rename(entry)
            release(entry)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    return entry


def write_digests(folder: Path, name: str = DIGESTS) -> None:
    """Write the digests of a folder's files beside them."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and not is_scratch_mark(file.name)]
    digests = {file.name: file_digest(file) for file in files if file.name != name}
    (folder / name).write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")


def is_whole(folder: Path) -> bool:
    """Return True where every file of an entry is as it was written."""
    try:
        listed = json.loads((folder / DIGESTS).read_text(encoding="utf-8"))
        return bool(listed) and all(file_digest(folder / name) == digest for name, digest in listed.items())
    except (OSError, ValueError, AttributeError, TypeError):
        return False


WORKING_DAYS = 7
"""Age from which results of a command that was killed and never repeated are removed: they may hold text."""


def remove_cache_leftovers() -> None:
    """Remove entries that killed processes left half-made, and what nobody came back for."""
    place = cache_folder()
    if not place.is_dir():
        return
    for kind in place.iterdir():
        if kind.is_dir():
            remove_leftovers(kind, ".")
    for folder in (place / "training").glob("*/"):
        changed = max(path.stat().st_mtime for path in (folder, *folder.glob("*"), *folder.glob("*/*")))
        old = time.time() - changed > WORKING_DAYS * 86_400
        lock = folder.with_name(f"{folder.name}.lock")
        if re.fullmatch(r"[0-9a-f]{24}", folder.name) and old and not is_locked(lock):
            shutil.rmtree(folder, ignore_errors=True)
    for lock in (place / "training").glob("*.lock"):
        old = time.time() - lock.stat().st_mtime > WORKING_DAYS * 86_400
        if re.fullmatch(r"[0-9a-f]{24}", lock.stem) and old and not is_locked(lock):
            lock.unlink(missing_ok=True)
    for path in (place / "working").glob("*.sqlite"):
        lock = path.with_suffix(".lock")
        ours = re.fullmatch(r"[a-z]+-[0-9a-f]{32}", path.stem) and lock.is_file()
        if ours and time.time() - path.stat().st_mtime > WORKING_DAYS * 86_400 and not is_locked(lock):
            _remove_database(path)


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
    """Rows in one SQLite file; several processes may use it at once.

    Each value has a digest beside it; one that does not fit its digest any more counts as missing.

    :param kind: name of the file in the cache folder; one for each sort of result.
    :param path: another place for the file.
    """

    def __init__(self, kind: str, path: Path | None = None) -> None:
        self._path = path or cache_folder() / f"{kind}.sqlite"

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def get(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the values there are."""
        entries: dict[str, str] = {}
        damaged: list[str] = []
        with self._open() as connection:
            for start in range(0, len(keys), 500):  # SQLite bounds the variables of a statement
                part = list(keys[start : start + 500])
                marks = ",".join("?" * len(part))
                query = (
                    "SELECT rows.key, value, digest FROM rows LEFT JOIN digests ON rows.key = digests.key "  # noqa: S608
                    f"WHERE rows.key IN ({marks})"  # marks are question marks
                )
                for key, value, digest in connection.execute(query, part):
                    # Rows of a version without digests are taken as they are, if they are text at all.
                    if isinstance(value, str) and digest in (None, _row_digest(key, value)):
                        entries[key] = value
                    else:
                        damaged.append(key)
            if damaged:
                logger.warning("%d damaged entries of %s are made anew", len(damaged), self._path)
                connection.executemany("DELETE FROM rows WHERE key = ?", ((key,) for key in damaged))
        return entries

    def put(self, values: Mapping[str, str]) -> None:
        """Keep a batch in one transaction; what is there stays."""
        digests = [(key, _row_digest(key, value)) for key, value in values.items()]
        with self._open() as connection:
            new = "INSERT OR IGNORE INTO rows VALUES (?, ?)"
            for (key, value), row in zip(values.items(), digests, strict=True):
                if connection.execute(new, (key, value)).rowcount:
                    connection.execute("INSERT OR REPLACE INTO digests VALUES (?, ?)", row)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = sqlite3.connect(self._path, timeout=60)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                for name, column in (("rows", "value"), ("digests", "digest")):
                    connection.execute(
                        f"CREATE TABLE IF NOT EXISTS {name} (key TEXT PRIMARY KEY, {column} TEXT) WITHOUT ROWID"
                    )
                with connection:
                    yield connection
            finally:
                connection.close()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise HarnessError(
                f"cannot use the cache {self._path}: {error}; free some space, or delete the file (it is made anew)"
            ) from error


def _row_digest(key: str, value: str) -> str:
    return blake2b(f"{key}\0{value}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class ResultStore(Protocol):
    """Where slow results are kept by what they depend on: chosen once, on disk or in memory, and never asked again.

    :param on_disk: whether a later process finds them.
    """

    on_disk: bool

    def rows(self, kind: str) -> Rows:
        """Return the small results of a kind."""

    def text(self, kind: str, key: str, name: str, make: Callable[[], str]) -> str:
        """Return a text result, made if it is not there.

        :param name: name of its file.
        """

    def arrays(self, kind: str, key: str, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return a result of numpy arrays by name, made if it is not there."""


class DiskStore:
    """Results in the cache folder, shared by all processes of a user."""

    on_disk = True

    def rows(self, kind: str) -> Rows:
        """Return the small results of a kind."""
        return DiskRows(kind)

    def text(self, kind: str, key: str, name: str, make: Callable[[], str]) -> str:
        """Return a text result, made if it is not there."""

        def write(folder: Path) -> None:
            (folder / name).write_text(make(), encoding="utf-8")

        return (cached_folder(kind, key, write) / name).read_text(encoding="utf-8")

    def arrays(self, kind: str, key: str, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return a result of numpy arrays by name, made if it is not there."""
        import numpy as np

        def write(folder: Path) -> None:
            np.savez(folder / name, **make())

        with np.load(cached_folder(kind, key, write) / name, allow_pickle=False) as stored:
            return {array: stored[array] for array in stored.files}


class MemoryStore:
    """Results of this process alone: for restricted corpora, whose text must not reach the disk."""

    on_disk = False

    def __init__(self) -> None:
        self._rows: dict[str, MemoryRows] = {}
        self._results: dict[tuple[str, str], Any] = {}

    def rows(self, kind: str) -> Rows:
        """Return the small results of a kind."""
        return self._rows.setdefault(kind, MemoryRows())

    def text(self, kind: str, key: str, name: str, make: Callable[[], str]) -> str:
        """Return a text result, made if it is not there."""
        return str(self._result(kind, key, make))

    def arrays(self, kind: str, key: str, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return a result of numpy arrays by name, made if it is not there."""
        return dict(self._result(kind, key, make))

    def _result(self, kind: str, key: str, make: Callable[[], Any]) -> Any:
        if (kind, key) not in self._results:
            self._results[(kind, key)] = make()
        return self._results[(kind, key)]


@contextmanager
def resumable_folder(key: str, *, done: tuple[type[BaseException], ...]) -> Iterator[Path]:
    """Give a folder that a killed process leaves to the next one with the same key, and that is removed in the end.

    Where another process has it, a temporary one takes its place.

    :param done: errors after which nobody comes back for it, or its place is needed; after others it stays.
    """
    place = cache_folder() / "training"
    lock = place / f"{key}.lock"
    folder = place / key
    with disk_errors(folder):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            # The lock's file stays: whoever waits for it must not be left with one that nobody else can see.
            stack.enter_context(file_lock(lock, "another training of the same", seconds=0))
        except HarnessError:
            yield stack.enter_context(scratch_folder())
            return
        with disk_errors(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        try:
            yield folder
        except done:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def working_rows(kind: str, key: str) -> Iterator[DiskRows]:
    """Give rows that last as long as some command works with them; what a killed one paid for is there for the next.

    The file lies in the cache folder for its user alone, and the last command that ends removes it.

    :param kind: sort of result.
    :param key: what two commands have in common that may share results.
    """
    folder = cache_folder() / "working"
    path = folder / f"{kind}-{key}.sqlite"
    lock = folder / f"{kind}-{key}.lock"
    with disk_errors(path):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with file_lock(lock, "a command that ends", shared=True):
            yield DiskRows(kind, path)
    except BaseException:
        if path.exists():
            logger.warning("what has been answered so far is kept in %s until the command is repeated", path)
        raise
    # The lock's file stays: a command that waits for it must not be left with one that nobody else can see.
    with suppress(HarnessError), file_lock(lock, "another command", seconds=0):
        _remove_database(path)


def _remove_database(path: Path) -> None:
    for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        name.unlink(missing_ok=True)
