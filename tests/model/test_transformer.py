"""Encoders, training, prediction and folders, on models of some thousand parameters."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoModelForTokenClassification, AutoTokenizer, PreTrainedTokenizerFast, pipeline

from harness.model.datamodule import encode_corpus
from harness.model.encoding import windows
from harness.model.open import load_encoder
from harness.model.trained import load_tagger
from harness.model.transformer import TransformerCoder, position_offset
from harness.values.records import Sentence, Span
from tests.model.models_cases import TAGS, card, fit, toy
from tests.model.pieces_cases import perfect, wrapped


def test_logits_equal_transformers_own(tiny_bert: Path) -> None:
    network, coder = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    network.reset(1)
    network.eval()
    sentences = toy(5)
    corpus = encode_corpus(sentences, coder, overlap=8)
    ours = network(coder.collate(corpus.windows))
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    theirs = []
    for sentence, encoded in zip(sentences, corpus.encoded, strict=True):
        batch = tokenizer(sentence.text, return_tensors="pt")
        assert batch["input_ids"][0, 1:-1].tolist() == encoded.pieces.tolist()
        theirs.append(network.model(**batch).logits[0][encoded.first + 1])
    assert torch.allclose(ours, torch.cat(theirs), atol=1e-5)


def test_the_pipeline_of_transformers_finds_the_same_spans_and_scores(tiny_bert: Path, tmp_path: Path) -> None:
    model = fit("transformer", tiny_bert, tmp_path, epochs=3)
    folder = model.tagger.save(tmp_path / "model")
    tagger = pipeline("token-classification", str(folder), aggregation_strategy="first")
    ours = load_tagger(folder).predict(toy(12))
    assert ours.scores is not None and any(ours.spans)
    for sentence, spans, scores in zip(toy(12), ours.spans, ours.scores, strict=True):
        theirs = tagger(sentence.text)
        assert [(one["start"], one["end"], one["entity_group"]) for one in theirs] == [tuple(span) for span in spans]
        assert [one["score"] for one in theirs] == pytest.approx(list(scores), abs=1e-4)
    assert AutoModelForTokenClassification.from_pretrained(folder).config.id2label == dict(enumerate(TAGS))


def test_gradients_of_windows_are_counted_once(tiny_bert: Path) -> None:
    _, coder = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    long = Sentence("1", " ".join(["anna went to rome ."] * 40), "en")
    encoded = coder.encode([long])
    made = windows(encoded, longest=coder.longest, overlap=16)
    assert len(made) > 3
    assert sum(len(window.words) for window in made) == len(encoded[0].words)


def test_raw_text_words_of_other_tokenizers_keep_punctuation_apart(tmp_path: Path) -> None:
    # A tokenizer whose own words end at blanks only, as XLM-R's: the comma must not join the entity.
    from tokenizers import Tokenizer, models, pre_tokenizers

    inner = Tokenizer(
        models.Unigram(
            [("<unk>", 0.0), ("▁", -2.0), *((char, -3.0) for char in "abcdefghijklmnopqrstuvwxyz,.R")], unk_id=0
        )
    )
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", pad_token="<unk>")
    coder = TransformerCoder(tokenizer, longest=64, max_length=64)
    (encoded,) = coder.encode([Sentence("1", "in Rome, now", "en")])
    assert ["in Rome, now"[start:end] for start, end in encoded.words] == ["in", "Rome", ",", "now"]
    assert (encoded.first >= 0).all()


@pytest.mark.parametrize(
    ("text", "surface"),
    [("ผู้ป่วยได้รับพาราเซตามอลวันละสองครั้ง", "พาราเซตามอล"), ("患者はロキソニンを一日三回のむ", "ロキソニン")],
)
def test_wordpiece_has_usable_words_in_scripts_without_blanks(text: str, surface: str) -> None:
    start = text.index(surface)
    characters = sorted(set(text))
    vocabulary = {piece: number for number, piece in enumerate(["[UNK]", "[PAD]", "a", *characters])}
    vocabulary |= {f"##{piece}": len(vocabulary) + number for number, piece in enumerate(characters)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    sentence = Sentence("1", text, "th", (Span(start, start + len(surface), "DRUG"),))
    predicted, unreachable = perfect(wrapped(tokenizer), [sentence])
    assert predicted == [sentence.spans]
    assert unreachable == 0


def test_a_very_long_text_is_tokenised_in_stretches_like_a_short_one(coders: dict[str, Any]) -> None:
    from harness.model import transformer

    text = " ".join(f"take {number} tablets of ibuprofen" for number in range(4000))  # 120,000 characters
    for kind in ("unigram", "wordpiece", "bytes"):
        (whole,) = coders[kind].encode([Sentence("1", text, "en")])
        pieces = [coders[kind].encode([Sentence("1", part, "en")])[0] for part in (text[:900], text[-900:])]
        assert whole.words[:100] == pieces[0].words[:100]
        assert whole.pieces[:200].tolist() == pieces[0].pieces[:200].tolist()
        assert text[slice(*whole.words[-1])] == "ibuprofen"
        assert whole.pieces[-100:].tolist() == pieces[1].pieces[-100:].tolist()
    stretches = transformer._stretches("阿" * 120_001)
    assert stretches[0][0] == 0
    assert stretches[-1][1] == 120_001
    assert all(end - start <= transformer._STRETCH for start, end in stretches)


@pytest.mark.parametrize(
    ("model_type", "keys", "offset"),
    [
        ("mpnet", {"vocab_size": 20, "pad_token_id": 1}, 2),
        ("data2vec-text", {"vocab_size": 20, "pad_token_id": 1}, 2),
        ("roberta", {"vocab_size": 20, "pad_token_id": 3}, 4),
        ("xlm-roberta", {"vocab_size": 20, "pad_token_id": 1}, 2),
        ("bert", {"vocab_size": 20, "pad_token_id": 0}, 0),
        ("distilbert", {"vocab_size": 20, "pad_token_id": 0}, 0),
        ("deberta-v2", {"vocab_size": 20, "pad_token_id": 0}, 0),
    ],
)
def test_position_tables_lose_the_rows_before_the_padding(model_type: str, keys: dict[str, int], offset: int) -> None:
    from transformers import AutoConfig

    config = AutoConfig.for_model(
        model_type, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=66, **({"dim": 16, "n_heads": 2} if model_type == "distilbert" else {}), **keys,
    )  # fmt: skip
    assert position_offset(config) == offset
