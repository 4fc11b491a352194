import pytest
from pydantic import ValidationError

from harness.config import EncoderCard


def test_a_transformer_needs_its_weights_and_a_baseline_none() -> None:
    with pytest.raises(ValidationError, match=r"encoder.path is missing"):
        EncoderCard(name="x")
    assert EncoderCard(name="x", kind="char-bilstm").path is None
