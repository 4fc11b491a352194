"""Files written whole or not at all, and one sentence for a full or read-only disk."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.machine.locks import file_lock, is_locked, scratch_folder
from harness.values import names
from harness.values.errors import DataError, DiskError, HarnessError


@contextmanager
def made_whole(target: Path, make: Callable[[Path], None]) -> Iterator[None]:
    """Make a file that several processes may want at once, or none: under a lock and another name, then renamed.

    A file of no bytes counts as missing: it is what a kill leaves of a database at its very beginning.

    :param make: writes the file at the path it is given; not called where the file is there.
    """
    with file_lock(target.with_name(f".{target.name}.lock"), f"the command that makes {target}"):
        if not target.is_file() or not target.stat().st_size:
            with disk_errors(target), scratch_folder(f".{target.name}-", target.parent) as scratch:
                make(scratch / target.name)
                (scratch / target.name).replace(target)
    yield


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Give a temporary path beside ``target`` and rename it to ``target`` when the block ends well.

    A link's own target is replaced; a device (``/dev/null``) is written to and stays what it is.
    """
    device = target.exists() and not target.is_file()  # a pipe's own name, /proc/…/pipe:[1], is no place to look at
    if target.is_dir():
        raise DataError(f"cannot write {target}: it is a folder; name a file")
    target = target if device else target.resolve()
    place = Path(tempfile.gettempdir()) if device else target.parent
    with disk_errors(target):
        place.mkdir(parents=True, exist_ok=True)
        _remove_unfinished(place, f".{target.name}-")
        handle, name = tempfile.mkstemp(prefix=f".{target.name}-", suffix=_UNFINISHED, dir=place)
    fcntl.flock(handle, fcntl.LOCK_EX)  # held until the end, so that others can tell it from what a kill left
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
        os.close(handle)


_UNFINISHED = ".part"


def _remove_unfinished(place: Path, prefix: str) -> None:
    """Remove the half-written files that killed commands left beside a target."""
    with suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.name.endswith(_UNFINISHED):
                path = Path(entry.path)
                if entry.stat(follow_symlinks=False).st_uid == os.getuid() and not is_locked(path):
                    path.unlink(missing_ok=True)


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
            errno.ENAMETOOLONG,
        ):
            raise
        raise DiskError(
            f"cannot write {target}: {os.strerror(error.errno)}; "
            "free some space or choose another place, then repeat the command (nothing half-written is kept)"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def decode_utf8(data: bytes, name: str, fault: type[HarnessError]) -> str:
    """Decode UTF-8, with or without a byte-order mark.

    :param name: of the file, for the message.
    :param fault: what is raised where it is not UTF-8; the message names the line and what to do.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise fault(
            f"{name}:{line}: not UTF-8 (byte 0x{data[error.start]:02x}); convert the file, "
            "for example with 'iconv -f latin1 -t utf-8'"
        ) from error


def exported_manifest(folder: Path) -> Path:
    """Return the manifest of an exported model; nothing is read, and nothing heavy loaded.

    :raises DataError: the folder holds none.
    """
    path = folder / names.MANIFEST
    if not path.is_file():
        raise DataError(f"{folder} holds no {names.MANIFEST}; give a folder that 'harness export' wrote")
    return path
