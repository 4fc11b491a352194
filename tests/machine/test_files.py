import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.machine.files import atomic_path, made_whole, write_text
from harness.machine.store import (
    cache_key,
    remove_cache_leftovers,
)
from harness.values.errors import DataError, HarnessError


def test_keys_depend_on_every_part_and_not_on_order() -> None:
    assert cache_key("a", x=1, y=2) == cache_key("a", y=2, x=1)
    assert len({cache_key("a", x=1), cache_key("a", x=2), cache_key("b", x=1)}) == 3


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out" / "file.txt"
    write_text(target, "old\n")

    def break_off() -> None:
        with atomic_path(target) as scratch:
            scratch.write_text("half")
            raise ValueError

    with pytest.raises(ValueError):
        break_off()
    assert target.read_text() == "old\n"
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    def fill() -> None:
        with atomic_path(tmp_path / "big"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(HarnessError, match="No space left on device; free some space"):
        fill()


def test_a_link_keeps_pointing_and_a_device_stays_a_device(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old", encoding="utf-8")
    (tmp_path / "link").symlink_to("real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text(encoding="utf-8") == "new"
    null = tmp_path / "null"
    os.mkfifo(null)
    reader = os.open(null, os.O_RDONLY | os.O_NONBLOCK)
    write_text(null, "text")
    assert os.read(reader, 9) == b"text" and null.is_fifo()
    os.close(reader)
    with pytest.raises(DataError, match="it is a folder; name a file"):
        write_text(tmp_path, "text")


def test_a_file_that_many_want_is_made_once_and_whole(tmp_path: Path) -> None:
    target = tmp_path / "x.db"
    target.touch()  # a kill at the very beginning
    made = []

    def make(path: Path) -> None:
        made.append(path)
        assert path != target
        path.write_text("whole")

    def want(_: int) -> str:
        with made_whole(target, make):
            return target.read_text()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(want, range(8))) == ["whole"] * 8
    assert len(made) == 1


def test_a_folder_that_is_no_cache_keeps_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    kept = [tmp_path / "project" / ".git", tmp_path / "working" / "notes.sqlite", tmp_path / "project" / "x"]
    for path in kept:
        path.mkdir(parents=True) if path.suffix != ".sqlite" else path.parent.mkdir()
    kept[1].write_text("mine")
    for path in [*kept, tmp_path / "project"]:
        os.utime(path, (time.time() - 30 * 86_400,) * 2)
    remove_cache_leftovers()
    assert all(path.exists() for path in kept)
