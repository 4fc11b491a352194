import logging

import pytest

from harness.machine import progress


def test_plain_lines_come_now_and_then(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 15))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO), progress.progress_bar("translating", 9) as advance:
        for _ in range(9):
            advance()
    said = [record.getMessage() for record in caplog.records]
    assert said and all(line.startswith("translating: ") and line.endswith("of 9 batches") for line in said)
    assert len(said) < 9
