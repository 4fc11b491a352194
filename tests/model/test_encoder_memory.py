"""Encoders, training, prediction and folders, on models of some thousand parameters."""

from pathlib import Path

import numpy as np
import pytest

from harness.machine.store import MemoryStore
from harness.model.encoder_memory import EncoderMemory
from harness.model.open import load_encoder
from tests.model.models_cases import TAGS, card, toy


def test_tokenised_corpora_come_back_from_the_cache_unchanged(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.model.encoder_memory.STORED_FROM", 3)
    _, coder = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    made = EncoderMemory().encode(toy(6), coder, 8)

    def forbidden(sentences: object) -> None:
        raise AssertionError("tokenised again")

    monkeypatch.setattr(coder, "encode", forbidden)
    read = EncoderMemory().encode(toy(6), coder, 8)
    for one, other in zip(made.encoded, read.encoded, strict=True):
        assert one.words == other.words
        assert np.array_equal(one.pieces, other.pieces)
        assert np.array_equal(one.first, other.first)


def test_a_restricted_corpus_leaves_nothing_in_the_cache(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.machine.store import cache_folder

    monkeypatch.setattr("harness.model.encoder_memory.STORED_FROM", 3)
    _, coder = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    EncoderMemory(MemoryStore()).encode(toy(6), coder, 8)
    assert not cache_folder().exists()
