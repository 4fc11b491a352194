"""Encoders, training, prediction and folders, on models of some thousand parameters."""

from pathlib import Path
from typing import Any

import pytest
import torch

from harness.model.encoder_memory import EncoderMemory
from harness.model.train import train
from tests.model.models_cases import KINDS, fit, plan, toy, toy_data


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_weights_cold_and_warm(kind: str, tiny_bert: Path, tmp_path: Path) -> None:
    warm = EncoderMemory()
    fit(kind, tiny_bert, tmp_path, memory=warm, seed=2, epochs=2)
    states = [
        fit(kind, tiny_bert, tmp_path, memory=memory, epochs=2).tagger.network.state_dict()
        for memory in (EncoderMemory(), EncoderMemory(), warm)
    ]
    for other in states[1:]:
        assert all(torch.equal(states[0][name], other[name]) for name in states[0])
    third = fit(kind, tiny_bert, tmp_path, seed=3, epochs=2).tagger.network.state_dict()
    assert any(not torch.equal(states[0][name], third[name]) for name in third)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_finds_nothing_has_collapsed(kind: str, tiny_bert: Path, tmp_path: Path) -> None:
    data = toy_data([sentence.with_spans(()) for sentence in toy(16)], toy(6))
    model = train(plan(kind, tiny_bert, epochs=1), data, memory=EncoderMemory(), folder=tmp_path)
    assert model.training.collapsed == "no entity of the dev set was ever found"


def test_a_loss_that_is_no_number_has_collapsed(tiny_bert: Path, tmp_path: Path) -> None:
    class Broken(EncoderMemory):
        def load(self, *arguments: Any) -> Any:
            network, coder = super().load(*arguments)
            with torch.no_grad():
                next(network.parameters()).fill_(float("nan"))
            return network, coder

    result = train(plan("transformer", tiny_bert, epochs=3), toy_data(), memory=Broken(), folder=tmp_path).training
    assert result.collapsed == "the training loss is not a finite number"
    assert len(result.history) == 1


@pytest.mark.slow
def test_two_devices_train_one_model(tiny_bert: Path, tmp_path: Path) -> None:
    model = fit("transformer", tiny_bert, tmp_path, devices=2, accelerator="cpu", epochs=6)
    assert model.training.score > 0.5
    assert model.training.epochs == 6


@pytest.mark.gpu
def test_a_gpu_trains_and_predicts(tiny_bert: Path, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    model = fit("transformer", tiny_bert, tmp_path, accelerator="gpu", precision="bf16")
    assert model.training.score > 0.9
