"""Pieces, words and labels: what a perfect tagger could find with each kind of tokenizer, in every script."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from harness.config import compose_config
from harness.corpora.catalogue import load_corpora
from harness.evaluation.spans import COLUMN, count_spans
from harness.model.char_bilstm import CharCoder
from harness.model.encoding import (
    EncodedSentence,
    gold_tags,
    one_word_a_piece,
    spans_from_tag_ids,
    unreachable_spans,
    windows,
)
from harness.model.transformer import TransformerCoder, position_offset
from harness.values.labels import tag_names
from harness.values.records import Corpus, Sentence, Span

CARD = compose_config(["data=rx_mini"]).data
LANGUAGES = CARD.languages


@pytest.fixture(scope="session")
def tests_of_rx_mini() -> dict[str, Corpus]:
    catalogue = load_corpora(CARD, Path(), [(language, "test") for language in LANGUAGES])
    return {language: catalogue.corpus(language, "test") for language in LANGUAGES}


def wrapped(tokenizer: Tokenizer) -> TransformerCoder:
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]")
    return TransformerCoder(fast, longest=64, max_length=64)


@pytest.fixture(scope="session")
def coders(tests_of_rx_mini: dict[str, Corpus]) -> dict[str, Any]:
    """One tokenizer of each kind, small enough to join Chinese characters and to split long words."""
    texts = [sentence.text for corpus in tests_of_rx_mini.values() for sentence in corpus.sentences]
    special = ["[UNK]", "[PAD]"]
    unigram = Tokenizer(models.Unigram())
    unigram.normalizer = normalizers.NFKC()
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    unigram.train_from_iterator(
        texts, trainers.UnigramTrainer(vocab_size=3000, special_tokens=special, unk_token="[UNK]", show_progress=False)
    )
    wordpiece = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    wordpiece.normalizer = normalizers.BertNormalizer(lowercase=False)
    wordpiece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    wordpiece.train_from_iterator(
        texts, trainers.WordPieceTrainer(vocab_size=3000, special_tokens=special, show_progress=False)
    )
    bytes_ = Tokenizer(models.BPE())
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=3000, special_tokens=special, show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )  # fmt: skip
    return {
        "unigram": wrapped(unigram), "wordpiece": wrapped(wordpiece), "bytes": wrapped(bytes_), "char": CharCoder(64),
    }  # fmt: skip


def perfect(coder: Any, sentences: Sequence[Sentence]) -> tuple[list[tuple[Span, ...]], int]:
    """What a tagger that is right at every piece gives: its answers come through windows, one a labelled word."""
    labels = sorted({span.label for sentence in sentences for span in sentence.spans})
    names = tag_names(labels)
    encoded = coder.encode(sentences)
    gold, inexact = gold_tags(sentences, encoded, {name: number for number, name in enumerate(names)})
    answers = [np.zeros(len(one.words), dtype=np.int32) for one in encoded]
    for window in windows(encoded, longest=coder.longest, overlap=16):
        answers[window.sentence][window.words] = gold[window.sentence][window.words]
    return [spans_from_tag_ids(one, tags, names) for one, tags in zip(encoded, answers, strict=True)], inexact


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["unigram", "wordpiece", "bytes", "char"])
def test_a_perfect_tagger_misses_the_counted_spans_and_no_others(
    kind: str, language: str, coders: dict[str, Any], tests_of_rx_mini: dict[str, Corpus]
) -> None:
    corpus = tests_of_rx_mini[language]
    predicted, unreachable = perfect(coders[kind], corpus.sentences)
    exact = int(count_spans([s.spans for s in corpus.sentences], predicted).summed()[COLUMN["exact"]])
    assert exact == corpus.entities - unreachable
    # One label a piece: words of one sentence begin on different pieces.
    for one in coders[kind].encode(corpus.sentences):
        seen = one.first[one.first >= 0]
        assert (np.diff(seen) > 0).all()
    if language == "en":
        assert unreachable <= 3  # of some 300: English words are rarely joined


def test_units_on_one_piece_are_one_word() -> None:
    # 阿司|匹林 as two pieces of two characters: two words, not four.
    words = ((0, 1), (1, 2), (2, 3), (3, 4))
    joined, first = one_word_a_piece(words, np.array([0, 0, 1, 1], dtype=np.int32))
    assert joined == ((0, 2), (2, 4))
    assert first.tolist() == [0, 1]
    # A soft hyphen between two units of one piece lies inside their word; before and after it stays apart.
    joined, first = one_word_a_piece(
        ((0, 1), (1, 2), (2, 3), (3, 4), (5, 6)), np.array([-1, 0, -1, 0, -1], dtype=np.int32)
    )
    assert joined == ((0, 1), (1, 4), (5, 6))
    assert first.tolist() == [-1, 0, -1]


def encoded(first: list[int]) -> EncodedSentence:
    words = tuple((2 * place, 2 * place + 1) for place in range(len(first)))
    return EncodedSentence(words, np.arange(9, dtype=np.int32), np.array(first, dtype=np.int32))


NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


@pytest.mark.parametrize(
    ("first", "tags", "spans"),
    [
        ([0, -1, 1], [1, 0, 2], [(0, 5, "PER")]),  # Anna, soft hyphen, Berg: one entity
        ([0, -1, 1], [1, 0, 1], [(0, 1, "PER"), (4, 5, "PER")]),  # two entities side by side stay two
        ([0, -1, 1], [1, 0, 4], [(0, 1, "PER"), (4, 5, "LOC")]),
        ([0, -1, -1, 1], [1, 0, 0, 2], [(0, 7, "PER")]),
        ([-1, 0, -1], [0, 1, 0], [(2, 3, "PER")]),  # at the edge it belongs to nothing
        ([0, -1, 1], [1, 0, 0], [(0, 1, "PER")]),
    ],
)
def test_a_word_without_a_piece_joins_its_neighbours(
    first: list[int], tags: list[int], spans: list[tuple[int, int, str]]
) -> None:
    found = spans_from_tag_ids(encoded(first), np.array(tags, dtype=np.int32), NAMES)
    assert [tuple(span) for span in found] == spans


def test_an_entity_that_begins_on_a_lost_word_is_taught_by_its_next() -> None:
    sentence = Sentence("1", "\u200f a b", "ar", (Span(0, 3, "PER"),), ((0, 1), (2, 3), (4, 5)))
    one = EncodedSentence(sentence.tokens or (), np.arange(2, dtype=np.int32), np.array([-1, 0, 1], dtype=np.int32))
    tags, inexact = gold_tags([sentence], [one], {name: number for number, name in enumerate(NAMES)})
    assert NAMES[tags[0][1]] == "B-PER"
    assert inexact == 1  # the mark itself cannot be found
    assert unreachable_spans(sentence, one) == 1


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


def test_windows_of_a_megabyte_need_no_table_of_all_words() -> None:
    import tracemalloc

    count = 300_000
    sentence = EncodedSentence(
        tuple((number, number + 1) for number in range(count)),
        np.arange(count, dtype=np.int32),
        np.arange(count, dtype=np.int32),
    )
    tracemalloc.start()
    made = windows([sentence], longest=254, overlap=64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(len(window.words) for window in made) == count
    assert peak < 100e6  # the table of 1,578 windows and 300,000 words took 3.8 GB


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


def test_a_long_spelling_is_read_by_its_beginning() -> None:
    coder = CharCoder(64)
    sentence = Sentence("1", "x" * 1_000_000, "en")
    (window,) = windows(coder.encode([sentence]), longest=64, overlap=8)
    assert coder.collate([window]).inputs["spelling"].shape == (1, 256)
    # Rows come in the order of spellings, whatever the order in which words were met.
    first, second = CharCoder(64), CharCoder(64)
    first.encode([Sentence("1", "b a c", "en")])
    batches = []
    for one in (first, second):
        batches.append(one.collate(windows(one.encode([Sentence("1", "a b c", "en")]), longest=64, overlap=8)))
    assert all((batches[0].inputs[name] == batches[1].inputs[name]).all() for name in batches[0].inputs)
