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
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from harness.errors import HarnessError

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


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Give a temporary path beside ``target`` and rename it to ``target`` when the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    os.close(handle)
    scratch = Path(name)
    try:
        with disk_errors(target):
            yield scratch
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
