"""Encoders, training, prediction and folders, on models of some thousand parameters."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from harness.model.checkpoint import BEST
from harness.model.encoder_memory import EncoderMemory
from harness.model.plan import TrainingData, Watch
from harness.model.train import train
from tests.model.models_cases import plan, toy


def test_training_stops_when_dev_no_longer_improves_and_keeps_the_best(tiny_bert: Path, tmp_path: Path) -> None:
    scores = iter([0.2, 0.5, 0.4, 0.3, 0.9])
    settings = plan("transformer", tiny_bert, epochs=9, patience=2, accumulate_batches=2)
    data = TrainingData(toy(8), toy(8), lambda spans: {"entity_f1": next(scores)})
    kept: dict[int, Any] = {}

    def on_epoch(epoch: int, values: dict[str, float]) -> None:
        kept[epoch] = load_file(tmp_path / BEST)

    model = train(settings, data, memory=EncoderMemory(), folder=tmp_path, watch=Watch(on_epoch=on_epoch))
    result = model.training
    assert (result.epochs, result.best_epoch, result.best_score) == (4, 2, 0.5)
    state = model.tagger.network.state_dict()
    assert all(torch.equal(kept[2][name], state[name]) for name in kept[2])
    assert any(not torch.equal(kept[1][name], state[name]) for name in kept[1])
