"""From a trained network to character spans, long sentences merged from their windows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from harness.machine.progress import heartbeat
from harness.model.contract import Coder, Network
from harness.model.datamodule import EncodedCorpus, prediction_batches
from harness.model.encoding import Integers, spans_from_tag_ids
from harness.values.records import Span


class TagMerger:
    """Collects the tags of windows and gives the spans of whole sentences."""

    def __init__(self, corpus: EncodedCorpus, names: Sequence[str]) -> None:
        self._corpus = corpus
        self._names = names
        # Words no window labels (the tokenizer left nothing of them) stay 0, which is O.
        self._tags: list[Integers] = [np.zeros(len(sentence.words), dtype=np.int32) for sentence in corpus.encoded]

    def add(self, indices: Sequence[int], tags: Integers) -> None:
        """Book the tags of some windows, in the order of the batch.

        :param tags: tag ids of the labelled words, shape (labelled words of the batch,).
        """
        start = 0
        for index in indices:
            window = self._corpus.windows[index]
            end = start + len(window.words)
            self._tags[window.sentence][window.words] = tags[start:end]
            start = end

    def spans(self) -> list[tuple[Span, ...]]:
        """Return the predicted spans of every sentence."""
        return [
            spans_from_tag_ids(sentence, tags, self._names)
            for sentence, tags in zip(self._corpus.encoded, self._tags, strict=True)
        ]


def predict_spans(
    network: Network,
    corpus: EncodedCorpus,
    coder: Coder,
    names: Sequence[str],
    *,
    device: torch.device,
    bf16: bool,
) -> list[tuple[Span, ...]]:
    """Predict the entities of a corpus.

    :param names: the tag set the network was trained with.
    :param bf16: run in bfloat16 autocast, as in training; an exported model predicts in float32.
    """
    network.to(device).eval()
    merger = TagMerger(corpus, names)
    batches = list(prediction_batches(corpus))
    advance = heartbeat("tagging", len(batches))
    with torch.inference_mode(), autocast(device, bf16):
        for indices in batches:
            batch = coder.collate([corpus.windows[index] for index in indices]).to(device)
            merger.add(indices, network(batch).argmax(dim=-1).to("cpu", torch.int32).numpy())
            advance()
    return merger.spans()


@contextmanager
def autocast(device: torch.device, bf16: bool) -> Iterator[None]:
    """Run matrix products in bfloat16, or leave everything as it is."""
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
        yield


def bf16_is_fast(device: torch.device) -> bool:
    """Return True if the processor multiplies bfloat16 matrices natively."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False
