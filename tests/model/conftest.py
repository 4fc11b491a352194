from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from harness.corpora.catalogue import load_corpora
from harness.model.char_bilstm import CharCoder
from harness.values.records import Corpus
from tests.model.pieces_cases import CARD, LANGUAGES, wrapped


@pytest.fixture(scope="session")
def tests_of_rx_mini() -> dict[str, Corpus]:
    catalogue = load_corpora(CARD, Path(), [(language, "test") for language in LANGUAGES])
    return {language: catalogue.corpus(language, "test") for language in LANGUAGES}


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
