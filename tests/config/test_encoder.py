import pytest
from pydantic import ValidationError

from harness.config import EncoderCard


def test_a_transformer_needs_its_weights_and_a_baseline_none() -> None:
    with pytest.raises(ValidationError, match=r"encoder.path is missing"):
        EncoderCard(name="x")
    assert EncoderCard(name="x", kind="char-bilstm").path is None


def test_an_encoder_given_by_path_is_called_by_its_folder() -> None:
    assert EncoderCard(name="hf", path="owner/multilingual-model").name == "multilingual-model"
    assert EncoderCard(name="hf", path="/models/mine/").name == "mine"
    assert EncoderCard(name="chosen", path="/models/mine").name == "chosen"
