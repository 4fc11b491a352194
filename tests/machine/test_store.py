import os
import sqlite3
import time
from pathlib import Path

import pytest

from harness.machine.files import write_text
from harness.machine.store import (
    DIGESTS,
    DiskRows,
    cache_folder,
    cached_folder,
    working_rows,
)


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


def test_half_written_files_of_killed_commands_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".out.txt-abc.part").write_text("half")
    (tmp_path / ".other.txt-abc.part").write_text("somebody else's")
    write_text(tmp_path / "out.txt", "whole")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [".other.txt-abc.part", "out.txt"]


def test_a_training_folder_stays_for_the_next_process_until_it_is_done() -> None:
    from harness.machine.store import resumable_folder

    def killed() -> None:
        with resumable_folder("a" * 24, done=(ValueError,)) as folder:
            (folder / "state").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    with resumable_folder("a" * 24, done=(ValueError,)) as again:
        assert (again / "state").read_text() == "half"
        with resumable_folder("a" * 24, done=(ValueError,)) as other:
            assert other != again, "another process has it"
    assert not again.exists() and not other.exists()
    with pytest.raises(ValueError, match="pruned"), resumable_folder("b" * 24, done=(ValueError,)) as pruned:
        raise ValueError("pruned")
    assert not pruned.exists()


def test_states_nobody_came_back_for_are_removed_after_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.machine.store import cache_folder, remove_cache_leftovers, resumable_folder

    with pytest.raises(KeyboardInterrupt), resumable_folder("c" * 24, done=(ValueError,)):
        raise KeyboardInterrupt
    folder = cache_folder() / "training" / ("c" * 24)
    remove_cache_leftovers()
    assert folder.is_dir()
    week = 8 * 86_400
    for path in (folder, folder.with_name(f"{folder.name}.lock")):
        os.utime(path, (time.time() - week, time.time() - week))
    remove_cache_leftovers()
    assert list(folder.parent.iterdir()) == []
