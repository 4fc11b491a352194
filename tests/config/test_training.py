import pytest
from pydantic import ValidationError

from harness.config import TrainerConfig


def test_windows_must_advance() -> None:
    with pytest.raises(ValidationError, match="at most half of max_length"):
        TrainerConfig(max_length=64, window_overlap=40)
    assert TrainerConfig(max_length=64, window_overlap=32).window_overlap == 32


def test_budgets_exclude_each_other_and_an_average_needs_the_whole_schedule() -> None:
    with pytest.raises(ValidationError, match="max_steps and max_tokens exclude each other"):
        TrainerConfig(max_steps=3, max_tokens=3)
    with pytest.raises(ValidationError, match="average needs the whole schedule"):
        TrainerConfig(selection="average", patience=3)
    assert (TrainerConfig().selection, TrainerConfig().patience) == ("last", None)
