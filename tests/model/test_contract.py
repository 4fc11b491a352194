"""Encoders, training, prediction and folders, on models of some thousand parameters."""

from pathlib import Path

import pytest

from harness.model.contract import model_size
from harness.model.open import load_encoder
from tests.model.models_cases import TAGS, card


def test_sizes_are_counted(tiny_bert: Path) -> None:
    network, _ = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    size = model_size(network)
    head = 32 * len(TAGS) + len(TAGS)
    assert (size.parameters_millions - size.encoder_parameters_millions) * 1e6 == pytest.approx(head)
    assert size.size_mb == pytest.approx(size.parameters_millions * 4)
