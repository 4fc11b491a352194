from pathlib import Path

import torch

from harness.model.datamodule import TaggingData, encode_corpus
from harness.model.open import load_encoder
from tests.model.models_cases import TAGS, card, plan, toy


def data(tiny_bert: Path) -> TaggingData:
    _, coder = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    corpus = encode_corpus(toy(20), coder, overlap=8)
    return TaggingData(corpus, corpus, coder, plan("transformer", tiny_bert))


def test_a_resumed_epoch_has_the_batches_that_were_left(tiny_bert: Path) -> None:
    whole = data(tiny_bert)
    loader = whole.train_dataloader()
    passes = [[batch.inputs["input_ids"] for batch in loader] for _ in range(2)]
    resumed = data(tiny_bert)
    resumed.position = (1, 2)
    left = [batch.inputs["input_ids"] for batch in resumed.train_dataloader()]
    assert len(left) == len(passes[1]) - 2
    assert all(torch.equal(mine, full) for mine, full in zip(left, passes[1][2:], strict=True))
    assert any(not torch.equal(one, two) for one, two in zip(*passes, strict=True)), "every pass is shuffled anew"


def test_training_batches_carry_their_tags_and_dev_batches_their_windows(tiny_bert: Path) -> None:
    module = data(tiny_bert)
    batch = next(iter(module.train_dataloader()))
    assert batch.tags is not None and batch.tags.shape == batch.positions.shape
    indices, windows = next(iter(module.val_dataloader()))
    assert windows.tags is None and len(indices) == len(windows.inputs["input_ids"])
