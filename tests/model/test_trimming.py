"""Trimmed and full vocabularies: the same pieces, losses and predictions, and the full matrix in the export."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    pipeline,
)

from harness.config import EncoderCard
from harness.model.encoder_memory import EncoderMemory
from harness.model.plan import TrainingPlan
from harness.model.train import Trained, train
from harness.model.trained import load_tagger
from harness.model.trimming import TrimmedEmbedding, trimmed_copy
from harness.values.records import Sentence
from tests.model.models_cases import plan, toy, toy_data

KINDS = {"xlm-roberta": "unigram", "bert": "wordpiece", "modernbert": "bytes", "deberta-v2": "unigram"}

UNSEEN = [Sentence("u1", "Anna tog 500 mg amoxicilline, 每天两次 à Köln!", "fr"), Sentence("u2", "दवा zwei", "de")]


@pytest.fixture(scope="module", params=list(KINDS))
def encoder(request: pytest.FixtureRequest, coders: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random encoder of an architecture with a tokenizer of its type and some thousand pieces."""
    folder = tmp_path_factory.mktemp(request.param)
    inner = coders[KINDS[request.param]]._tokenizer.backend_tokenizer
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
    tokenizer.model_max_length = 64
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    sizes |= {"max_position_embeddings": 80, "vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    if request.param == "modernbert":
        sizes |= {"bos_token_id": 1, "eos_token_id": 1, "cls_token_id": 1, "sep_token_id": 1}
    if request.param == "deberta-v2":
        sizes |= {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "max_relative_positions": 32}
    AutoModel.from_config(AutoConfig.for_model(request.param, **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def trained(folder: Path, place: Path, trim: str, **settings: Any) -> Trained:
    like = plan("transformer", folder, epochs=3, **settings)
    card = EncoderCard(name="e", path=str(folder), learning_rate=5e-3, trim=trim)  # type: ignore[arg-type]
    chosen = TrainingPlan(**{**like.__dict__, "encoder": card})
    place.mkdir(parents=True)
    return train(chosen, toy_data(), memory=EncoderMemory(), folder=place)


def test_trimmed_training_is_the_same_training(encoder: Path, tmp_path: Path) -> None:
    whole, cut = (trained(encoder, tmp_path / trim, trim) for trim in ("off", "auto"))
    assert isinstance(cut.tagger.network.model.get_input_embeddings(), TrimmedEmbedding)
    assert type(whole.tagger.network.model.get_input_embeddings()) is nn.Embedding
    assert whole.tagger.coder.identity == cut.tagger.coder.identity
    for one, two in zip(whole.training.history, cut.training.history, strict=True):
        assert one.loss == pytest.approx(two.loss, rel=1e-5) and one.measures == two.measures
    texts = [*toy(9), *UNSEEN]
    assert whole.tagger.predict(texts).spans == cut.tagger.predict(texts).spans
    sizes = [one.metrics["model/parameters_millions"] for one in (whole, cut)]
    assert sizes[0] == sizes[1] == whole.metrics["model/trained_parameters_millions"]
    assert cut.metrics["model/trained_parameters_millions"] < sizes[1]
    assert whole.metrics["model/encoder_parameters_millions"] == cut.metrics["model/encoder_parameters_millions"]
    _same_exports(whole, cut, encoder, tmp_path)


def _same_exports(whole: Trained, cut: Trained, encoder: Path, tmp_path: Path) -> None:
    """The exports hold the same full matrix, tokenise unseen text by the full vocabulary and find the same."""
    folders = [one.tagger.save(tmp_path / f"model-{number}") for number, one in enumerate((whole, cut))]
    first, second = (load_file(folder / "model.safetensors") for folder in folders)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert tensor.shape == second[name].shape
        assert torch.allclose(tensor, second[name], rtol=1e-4, atol=1e-6), name
    loaded = load_tagger(folders[1])
    assert loaded.predict([*toy(9), *UNSEEN]).spans == load_tagger(folders[0]).predict([*toy(9), *UNSEEN]).spans
    before = AutoTokenizer.from_pretrained(encoder)
    assert AutoTokenizer.from_pretrained(folders[1]).tokenize(UNSEEN[0].text) == before.tokenize(UNSEEN[0].text)
    assert AutoModelForTokenClassification.from_pretrained(folders[1]).config.vocab_size == len(before)
    assert pipeline("token-classification", str(folders[1]), aggregation_strategy="first")(UNSEEN[1].text) is not None


@pytest.mark.parametrize("selection", ["best", "average"])
def test_kept_weights_are_those_of_a_full_training(tiny_bert: Path, tmp_path: Path, selection: str) -> None:
    settings = {"selection": selection, "average_last": 2, "evaluations": 3}
    whole, cut = (trained(tiny_bert, tmp_path / f"t-{trim}", trim, **settings) for trim in ("off", "auto"))
    first, second = (
        load_file(one.tagger.save(tmp_path / f"m-{number}") / "model.safetensors")
        for number, one in enumerate((whole, cut))
    )
    assert all(torch.allclose(first[name], second[name], rtol=1e-4, atol=1e-6) for name in first)


def test_rows_left_out_decay_as_adamw_lets_them() -> None:
    torch.manual_seed(0)
    whole = nn.Embedding(10, 4, padding_idx=0)
    trimmed = TrimmedEmbedding(whole, np.array([0, 3, 7]))
    full = nn.Embedding(10, 4, padding_idx=0)
    full.load_state_dict(whole.state_dict())
    steps = [(full, torch.optim.AdamW(full.parameters(), lr=0.1, weight_decay=0.1))]
    steps.append((trimmed, torch.optim.AdamW([trimmed.weight], lr=0.1, weight_decay=0.1)))  # type: ignore[arg-type]
    for _ in range(5):
        for module, optimizer in steps:
            module(torch.tensor([0, 3, 7, 3])).pow(2).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        trimmed.note_decay(0.1, 0.1)
    assert torch.allclose(trimmed.restored().weight, full.weight, rtol=1e-6)
    assert torch.allclose(trimmed.eval()(torch.arange(10)), full(torch.arange(10)), rtol=1e-6)
    assert torch.equal(whole.weight, nn.Embedding.from_pretrained(whole.weight).weight)


def test_a_piece_that_was_not_announced_never_trains_unseen() -> None:
    trimmed = TrimmedEmbedding(nn.Embedding(10, 4), np.array([1, 2]))
    with pytest.raises(IndexError):
        trimmed(torch.tensor([1, 5]))


def test_what_is_no_plain_embedding_is_left_whole(tiny_bert: Path) -> None:
    model = AutoModelForTokenClassification.from_pretrained(tiny_bert)
    every = np.arange(model.config.vocab_size)
    assert type(trimmed_copy(model, every).get_input_embeddings()) is nn.Embedding  # nothing to gain

    class Scaled(nn.Embedding):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(ids)

    scaled = Scaled(*model.get_input_embeddings().weight.shape)
    model.set_input_embeddings(scaled)
    assert type(trimmed_copy(model, every[:9]).get_input_embeddings()) is Scaled


def test_the_loaded_encoder_is_not_touched(tiny_bert: Path, tmp_path: Path) -> None:
    memory = EncoderMemory()
    like = plan("transformer", tiny_bert, epochs=1)
    before = memory.load(like.encoder, like.tags, 64)[0].model.get_input_embeddings().weight.clone()
    train(like, toy_data(), memory=memory, folder=tmp_path)
    assert torch.equal(memory.load(like.encoder, like.tags, 64)[0].model.get_input_embeddings().weight, before)


@pytest.mark.gpu
def test_a_gpu_trains_trimmed_and_reads_any_piece(encoder: Path, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    settings = {"accelerator": "gpu", "precision": "bf16"}
    whole, cut = (trained(encoder, tmp_path / trim, trim, **settings) for trim in ("off", "auto"))
    assert cut.training.selected["entity_f1"] == pytest.approx(whole.training.selected["entity_f1"], abs=0.1)
    assert cut.metrics["train/peak_gpu_mb"] > 0
    found = cut.tagger.predict(UNSEEN).spans
    assert len(found) == len(load_tagger(cut.tagger.save(tmp_path / "model")).predict(UNSEEN).spans) == 2
    restored = cut.tagger.network.model.get_input_embeddings().restored().weight.cpu()
    original = whole.tagger.network.model.get_input_embeddings().weight.detach().cpu()
    assert torch.allclose(restored[-5:], original[-5:], rtol=1e-3, atol=1e-4)
