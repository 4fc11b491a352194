import pytest
from pydantic import ValidationError

from harness.config import TrainerConfig


def test_windows_must_advance() -> None:
    with pytest.raises(ValidationError, match="at most half of max_length"):
        TrainerConfig(max_length=64, window_overlap=40)
    assert TrainerConfig(max_length=64, window_overlap=32).window_overlap == 32
