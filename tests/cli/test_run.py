from pathlib import Path

import pytest

from harness.cli.run import repeatable


def test_the_recorded_line_works_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    assert repeatable(["encoder.path=model", "seed=2"], Path("cfg")) == [
        "--config-dir", str(tmp_path / "cfg"), f"encoder.path={tmp_path / 'model'}", "seed=2",
    ]  # fmt: skip
    assert repeatable(["encoder.path=org/name"], None) == ["encoder.path=org/name"], "a hub id stays"
