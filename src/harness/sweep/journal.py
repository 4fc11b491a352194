"""Optuna's journal file of a study, in which a line is whole or not there."""

import json
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from harness.config.sweep import Sweep

logger = logging.getLogger(__name__)


class WholeLines(JournalFileBackend):
    """Optuna's journal file, in which a line is whole or not there.

    Optuna reads over a last line without its end (a kill or a full disk left it) and then writes the next one behind
    it, after which nobody can read the journal.
    """

    def __init__(self, path: Path) -> None:
        self._journal = path
        self._writing = JournalFileSymlinkLock(str(path))
        super().__init__(str(path), lock_obj=self._writing)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append records; on a full disk the journal stays as it was."""
        text = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in logs)
        self._writing.acquire()
        try:
            # Without a buffer, which would be written out once more, and fail once more, before the file is cut.
            with self._journal.open("r+b", buffering=0) as file:
                end = _cut_torn_line(file, self._journal)
                file.seek(end)
                try:
                    left = memoryview(text.encode("utf-8"))
                    while left:
                        left = left[file.write(left) :]
                    os.fsync(file.fileno())
                except OSError:
                    with suppress(OSError):
                        file.truncate(end)
                    raise
        finally:
            self._writing.release()


def journal_path(sweep: Sweep, folder: Path) -> Path:
    """Return the file that keeps a study without a storage URL."""
    return folder / f"{sweep.study}.journal"


def repair_journal(sweep: Sweep, folder: Path) -> None:
    """Cut off a last line without its end, and free Optuna's lock; whoever calls holds the study's lock."""
    path = journal_path(sweep, folder)
    if sweep.storage or not path.is_file():
        return
    # Optuna's own lock beside the journal stays when its holder is killed; nobody else can hold it now.
    for name in (f"{path}.lock", f"{path}.lock.rename"):
        with suppress(FileNotFoundError):
            Path(name).unlink()
    with path.open("r+b") as file:
        _cut_torn_line(file, path)


def _cut_torn_line(file: Any, path: Path) -> int:
    """Cut off a last line without its end, and return the position after the last whole one."""
    size = int(file.seek(0, os.SEEK_END))
    end = _last_line_end(file, size)
    if end < size:
        logger.warning("%s: the last line was cut off (%d bytes) and is left out", path, size - end)
        file.truncate(end)
    return end


def _last_line_end(file: Any, size: int) -> int:
    """Return the position after the last line break of a file, reading from its end."""
    end = size
    while end > 0:
        start = max(0, end - 65_536)
        file.seek(start)
        place = file.read(end - start).rfind(b"\n")
        if place >= 0:
            return int(start + place + 1)
        end = start
    return 0
