from pathlib import Path

import pytest
import torch

from harness.model.datamodule import TaggingData, encode_corpus, parts_of
from harness.model.open import load_encoder
from tests.model.models_cases import TAGS, card, plan, toy


def data(tiny_bert: Path, **settings: int) -> TaggingData:
    _, coder = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    corpus = encode_corpus(toy(20), coder, overlap=8)
    return TaggingData(corpus, corpus, coder, plan("transformer", tiny_bert, **settings))


def test_a_resumed_epoch_has_the_batches_that_were_left(tiny_bert: Path) -> None:
    whole = data(tiny_bert)
    loader = whole.train_dataloader()
    passes = [[batch.inputs["input_ids"] for (batch,) in loader] for _ in range(2)]
    resumed = data(tiny_bert)
    resumed.position = (1, 2)
    left = [batch.inputs["input_ids"] for (batch,) in resumed.train_dataloader()]
    assert len(left) == len(passes[1]) - 2
    assert all(torch.equal(mine, full) for mine, full in zip(left, passes[1][2:], strict=True))
    assert any(not torch.equal(one, two) for one, two in zip(*passes, strict=True)), "every pass is shuffled anew"


def test_training_batches_carry_their_tags(tiny_bert: Path) -> None:
    (batch,) = next(iter(data(tiny_bert).train_dataloader()))
    assert batch.tags is not None and batch.tags.shape == batch.positions.shape


def test_a_batch_is_cut_into_parts_of_so_many_padded_pieces(tiny_bert: Path) -> None:
    _, coder = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    windows = sorted(encode_corpus(toy(20), coder, overlap=8).windows, key=lambda window: -len(window.pieces))
    parts = parts_of(windows, 60)
    assert [window for part in parts for window in part] == windows
    assert all(len(part) * len(part[0].pieces) <= 60 for part in parts) and len(parts) > 5
    assert parts_of(windows, None) == [windows]
    assert [len(part) for part in parts_of(windows, 1)] == [1] * 20  # longer than the bound: alone


@pytest.mark.parametrize("accumulate", [1, 2])
def test_what_was_seen_is_counted_as_the_loader_gives_it(accumulate: int, tiny_bert: Path) -> None:
    module = data(tiny_bert, accumulate_batches=accumulate)  # 20 sentences in batches of 8, 8 and 4
    loader = module.train_dataloader()
    masks = [[batch.inputs["attention_mask"] for (batch,) in loader] for _ in range(3)]
    passes = [[int(mask.sum()) - 2 * len(mask) for mask in one] for one in masks]  # [CLS] and [SEP] are no pieces of it
    steps = [sum(one[start : start + accumulate]) for one in passes for start in range(0, len(one), accumulate)]
    for count in range(len(steps) + 1):
        sentences, tokens = module.seen(count)
        assert tokens == sum(steps[:count])
        assert sentences <= 60
    assert module.seen(len(steps))[0] == 60
    assert all(module.steps_for(sum(steps[:count])) == count for count in range(1, len(steps) + 1))
