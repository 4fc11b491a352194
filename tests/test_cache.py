import errno
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.machine.files import atomic_path, made_whole, write_text
from harness.machine.store import (
    DIGESTS,
    DiskRows,
    cache_folder,
    cache_key,
    cached_folder,
    remove_cache_leftovers,
    working_rows,
)
from harness.values.errors import DataError, HarnessError


def test_keys_depend_on_every_part_and_not_on_order() -> None:
    assert cache_key("a", x=1, y=2) == cache_key("a", y=2, x=1)
    assert len({cache_key("a", x=1), cache_key("a", x=2), cache_key("b", x=1)}) == 3


def test_an_entry_is_written_once_and_read_afterwards() -> None:
    calls = []

    def write(folder: Path) -> None:
        calls.append(1)
        (folder / "x").write_text("result")

    first, second = cached_folder("k", "key", write), cached_folder("k", "key", write)
    assert first == second
    assert (second / "x").read_text() == "result"
    assert calls == [1]


def test_an_entry_that_failed_half_way_is_never_read() -> None:
    def fail(folder: Path) -> None:
        (folder / "x").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_folder("k", "key", fail)
    assert list((cache_folder() / "k").iterdir()) == []


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


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "empty folder", "digests"])
def test_a_damaged_entry_is_made_anew(damage: str) -> None:
    calls = []

    def write(folder: Path) -> None:
        calls.append(1)
        (folder / "x").write_text("[[0, 0, 1.0]]")

    entry = cached_folder("k", "key", write)
    file = entry / "x"
    if damage == "flip":
        file.write_text("[[0, 1, 1.0]]")  # as readable as before
    elif damage == "cut":
        file.write_text("[[0,")
    elif damage == "remove":
        file.unlink()
    elif damage == "digests":
        (entry / DIGESTS).write_text("[]")
    else:
        for path in entry.iterdir():
            path.unlink()
    assert (cached_folder("k", "key", write) / "x").read_text() == "[[0, 0, 1.0]]"
    assert len(calls) == 2


def test_a_damaged_row_counts_as_missing_and_can_be_written_again() -> None:
    rows = DiskRows("translations")
    rows.put({"a": '["x", ""]', "b": '["y", ""]'})
    with sqlite3.connect(rows.path) as connection:
        connection.execute("UPDATE rows SET value = ? WHERE key = 'a'", ('["z", ""]',))
        connection.execute("INSERT INTO rows VALUES ('old', 'of a version without digests')")
    connection.close()
    assert rows.get(["a", "b", "old"]) == {"b": '["y", ""]', "old": "of a version without digests"}
    rows.put({"a": '["x", ""]', "b": "what is there stays"})
    assert rows.get(["a", "b"]) == {"a": '["x", ""]', "b": '["y", ""]'}


def test_working_rows_last_until_the_command_ends_well() -> None:
    def interrupted() -> None:
        with working_rows("translations", "k") as rows:
            rows.put({"a": "paid for"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with working_rows("translations", "k") as rows:
        assert rows.get(["a"]) == {"a": "paid for"}
        assert rows.path.stat().st_mode & 0o077 == 0 or rows.path.parent.stat().st_mode & 0o077 == 0
    assert not rows.path.exists()


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


def test_half_written_files_of_killed_commands_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".out.txt-abc.part").write_text("half")
    (tmp_path / ".other.txt-abc.part").write_text("somebody else's")
    write_text(tmp_path / "out.txt", "whole")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [".other.txt-abc.part", "out.txt"]


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
