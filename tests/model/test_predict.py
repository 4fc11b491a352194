import numpy as np
import pytest
import torch

from harness.model.char_bilstm import CharCoder
from harness.model.datamodule import encode_corpus
from harness.model.predict import TagMerger, autocast, bf16_is_fast
from harness.values.labels import tag_names
from harness.values.records import Sentence, Span


def test_windows_of_a_long_sentence_become_one_prediction() -> None:
    names = tag_names(("PER",))
    words = " ".join(["anna"] * 40)
    corpus = encode_corpus([Sentence("1", words, "en"), Sentence("2", "", "en")], CharCoder(16), overlap=4)
    merger = TagMerger(corpus, names)
    for number, window in enumerate(corpus.windows):
        # Each window says B-PER for its own words; a word is labelled in one window only.
        sure = 0.5 + 0.01 * window.words.astype(np.float32)
        merger.add([number], np.full(len(window.words), names.index("B-PER"), dtype=np.int32), sure)
    long, empty = merger.spans()
    assert long == tuple(Span(5 * number, 5 * number + 4, "PER") for number in range(40))
    assert empty == ()
    # A span of three words has the mean of theirs.
    scores, none = merger.scores([(*long[:2], Span(15, 29, "PER")), ()])
    assert scores == pytest.approx((0.5, 0.51, 0.54), abs=1e-6)
    assert none == ()


@pytest.mark.parametrize("wanted", [True, False])
def test_autocast_is_bfloat16_or_nothing(wanted: bool) -> None:
    with autocast(torch.device("cpu"), wanted):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if wanted else torch.float32)
    assert isinstance(bf16_is_fast(torch.device("cpu")), bool)
