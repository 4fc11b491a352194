import errno
import os
from pathlib import Path

import pytest

from harness.cache import atomic_path, cache_folder, cache_key, cached_folder, write_text
from harness.errors import DataError, HarnessError


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
