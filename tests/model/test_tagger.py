import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.model.char_bilstm import CharCoder
from harness.model.datamodule import encode_corpus, parts_of
from harness.model.open import load_encoder
from harness.model.tagger import Tagger
from tests.model.models_cases import TAGS, card, fit, plan, toy


def test_a_batch_without_a_word_teaches_nothing(tiny_bert: Path) -> None:
    network, coder = load_encoder(card("char-bilstm", tiny_bert), TAGS, max_length=64)
    network.reset(1)
    tagger = Tagger(network, plan("char-bilstm", tiny_bert), lambda spans: {})
    assert isinstance(coder, CharCoder)
    batch = coder.collate(encode_corpus(toy(2), coder, overlap=8).windows)
    assert tagger.training_step((batch,), 0) is None, "no tags"
    assert tagger.training_loss() == 0.0


def test_the_loss_is_summed_over_the_mean_number_of_words(tiny_bert: Path) -> None:
    network, coder = load_encoder(card("char-bilstm", tiny_bert), TAGS, max_length=64)
    network.reset(1)
    network.eval()
    tagger = Tagger(network, plan("char-bilstm", tiny_bert), lambda spans: {})
    batch = coder.collate(encode_corpus(toy(2), coder, overlap=8).windows)
    batch = replace(batch, tags=torch.zeros(len(batch.positions), dtype=torch.int64))
    tagger.words_per_batch = 4.0
    loss = tagger.training_step((batch,), 0)
    logits = network(batch)
    expected = torch.nn.functional.cross_entropy(logits, batch.tags, reduction="sum") / 4.0
    assert loss is not None and torch.equal(loss, expected)


def test_parts_of_a_batch_give_the_gradients_of_the_whole(tiny_bert: Path) -> None:
    network, coder = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    network.reset(1)
    network.eval()  # no dropout, which would draw otherwise
    corpus = encode_corpus(toy(9), coder, overlap=8)
    windows = sorted(corpus.windows, key=lambda window: -len(window.pieces))

    def gradients(tokens: int | None) -> tuple[list[torch.Tensor], float]:
        parts = [coder.collate(part) for part in parts_of(windows, tokens)]
        labelled = tuple(replace(part, tags=torch.ones(len(part.positions), dtype=torch.int64)) for part in parts)
        tagger = Tagger(network, plan("transformer", tiny_bert), lambda spans: {})
        network.zero_grad()
        loss = tagger.training_step(labelled, 0)
        assert loss is not None
        loss.backward()
        return [parameter.grad.clone() for parameter in network.parameters()], tagger.training_loss()

    whole, loss = gradients(None)
    parts, same_loss = gradients(40)
    assert len(parts_of(windows, 40)) > 3 and abs(loss - same_loss) < 1e-4
    assert all(torch.allclose(one, two, rtol=1e-3, atol=1e-5) for one, two in zip(whole, parts, strict=True))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_training_in_parts_is_the_same_but_for_dropout(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accumulate: int
) -> None:
    from harness.model import train as train_module

    settings = {"epochs": 4, "accumulate_batches": accumulate, "evaluations": 6, "gradient_clip": 0.0}

    def trained(tokens: int, place: Path) -> list[float]:
        monkeypatch.setattr(train_module, "PART_TOKENS", tokens)
        place.mkdir()
        still = tiny_bert_without_dropout(tiny_bert, tmp_path)
        return [one.loss for one in fit("transformer", still, place, **settings).training.history]

    assert trained(60, tmp_path / "a") == pytest.approx(trained(100_000, tmp_path / "b"), rel=1e-3)


def tiny_bert_without_dropout(tiny_bert: Path, place: Path) -> Path:
    folder = place / "still"
    shutil.copytree(tiny_bert, folder, dirs_exist_ok=True)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
