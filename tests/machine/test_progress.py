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
    assert said and all(
        line.startswith("translating: ") and " of 9 steps, " in line and line.endswith(" left") for line in said
    )
    assert len(said) < 9


def test_work_that_is_done_or_quick_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        advance = progress.heartbeat("tagging", 3)
        for _ in range(3):
            advance()
        progress.heartbeat("tagging", 0)
    assert not caplog.records


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (89, "89 s"), (100, "2 min"), (3000, "50 min"), (6000, "1.7 h")]
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert progress.duration(seconds) == said
