"""Studies that are resumed, shared, pruned, interrupted."""

import time
from pathlib import Path

import pytest

from harness.sweep.journal import WholeLines
from harness.values.errors import ConfigError
from tests.sweep.launch_cases import go, journal, runs, sweep


@pytest.mark.parametrize("damage", ["torn", "torn, then more", "lock"])
def test_a_torn_journal_goes_on_and_runs_nothing_twice(damage: str, toy_card: Path, tracking: str) -> None:
    go(sweep(seeds=[1]), toy_card, tracking)
    path = journal(tracking)
    if damage == "lock":  # kill -9 inside a write leaves Optuna's own lock, which it would wait for half a minute
        Path(f"{path}.lock").symlink_to(path.name)
    else:
        with path.open("ab") as file:
            file.write(path.read_bytes().splitlines(keepends=True)[-1][:-7])
    more = sweep(seeds=[1], grid=[{"method": ["zero_shot"]}, {"method": ["synthetic"], "method.ratio": [0.25, 0.5]}])
    started = time.monotonic()
    assert go(more, toy_card, tracking).finished == 3
    assert time.monotonic() - started < 25 or damage != "lock"
    assert go(more, toy_card, tracking).finished == 3
    assert len(runs(tracking)) == 4  # three cells and their parent


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = WholeLines(tmp_path / "x.journal")
    lines.append_logs([{"a": 1}])

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.sweep.journal.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        lines.append_logs([{"a": 2}, {"a": 3}])
    assert (tmp_path / "x.journal").read_text() == '{"a":1}\n'
    monkeypatch.undo()
    with (tmp_path / "x.journal").open("ab") as file:
        file.write(b'{"a":')  # a kill inside a write
    lines.append_logs([{"a": 4}])
    assert [record["a"] for record in lines.read_logs(0)] == [1, 4]


def test_a_journal_damaged_in_its_middle_is_named(toy_card: Path, tracking: str) -> None:
    go(sweep(seeds=[1]), toy_card, tracking)
    path = journal(tracking)
    content = path.read_bytes()
    path.write_bytes(b"garbage\n" + content)
    with pytest.raises(ConfigError, match="study.journal is damaged in its middle"):
        go(sweep(seeds=[1]), toy_card, tracking)
