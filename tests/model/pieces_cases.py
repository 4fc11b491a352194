"""What the tests of several files share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from harness.config import compose_config
from harness.model.encoding import (
    EncodedSentence,
    gold_tags,
    spans_from_tag_ids,
    windows,
)
from harness.model.transformer import TransformerCoder
from harness.values.labels import tag_names
from harness.values.records import Sentence, Span

CARD = compose_config(["data=rx_mini"]).data


LANGUAGES = CARD.languages


def wrapped(tokenizer: Tokenizer) -> TransformerCoder:
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]")
    return TransformerCoder(fast, longest=64, max_length=64)


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


def encoded(first: list[int]) -> EncodedSentence:
    words = tuple((2 * place, 2 * place + 1) for place in range(len(first)))
    return EncodedSentence(words, np.arange(9, dtype=np.int32), np.array(first, dtype=np.int32))
