"""Pieces, words and labels: what a perfect tagger could find with each kind of tokenizer, in every script."""

from harness.model.char_bilstm import CharCoder
from harness.model.encoding import (
    windows,
)
from harness.values.records import Sentence


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
