from pathlib import Path

import torch

from harness.model.char_bilstm import CharCoder
from harness.model.datamodule import encode_corpus
from harness.model.open import load_encoder
from harness.model.tagger import Tagger
from tests.model.models_cases import TAGS, card, plan, toy


def test_a_batch_without_a_word_teaches_nothing(tiny_bert: Path) -> None:
    network, coder = load_encoder(card("char-bilstm", tiny_bert), TAGS, max_length=64)
    network.reset(1)
    tagger = Tagger(network, plan("char-bilstm", tiny_bert), lambda spans: {})
    assert isinstance(coder, CharCoder)
    batch = coder.collate(encode_corpus(toy(2), coder, overlap=8).windows)
    assert tagger.training_step(batch, 0) is None, "no tags"
    assert tagger.training_loss() == 0.0


def test_the_loss_is_summed_over_the_mean_number_of_words(tiny_bert: Path) -> None:
    from dataclasses import replace

    network, coder = load_encoder(card("char-bilstm", tiny_bert), TAGS, max_length=64)
    network.reset(1)
    network.eval()
    tagger = Tagger(network, plan("char-bilstm", tiny_bert), lambda spans: {})
    batch = coder.collate(encode_corpus(toy(2), coder, overlap=8).windows)
    batch = replace(batch, tags=torch.zeros(len(batch.positions), dtype=torch.int64))
    tagger.words_per_batch = 4.0
    loss = tagger.training_step(batch, 0)
    logits = network(batch)
    expected = torch.nn.functional.cross_entropy(logits, batch.tags, reduction="sum") / 4.0
    assert loss is not None and torch.equal(loss, expected)
