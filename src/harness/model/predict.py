"""From a trained network to character spans, long sentences merged from their windows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from harness.machine.progress import heartbeat
from harness.model.contract import Coder, Network
from harness.model.datamodule import EncodedCorpus, prediction_batches
from harness.model.encoding import Integers, spans_from_tag_ids
from harness.values.records import Span

Singles = NDArray[np.float32]


class TagMerger:
    """Collects the tags of windows and gives the spans of whole sentences."""

    def __init__(self, corpus: EncodedCorpus, names: Sequence[str]) -> None:
        self._corpus = corpus
        self._names = names
        # Words no window labels (the tokenizer left nothing of them) stay 0, which is O.
        self._tags: list[Integers] = [np.zeros(len(sentence.words), dtype=np.int32) for sentence in corpus.encoded]
        self._sure: list[Singles] = [np.zeros(len(sentence.words), dtype=np.float32) for sentence in corpus.encoded]

    def add(self, indices: Sequence[int], tags: Integers, sure: Singles | None = None) -> None:
        """Book the tags of some windows, in the order of the batch.

        :param tags: tag ids of the labelled words, shape (labelled words of the batch,).
        :param sure: their probabilities, 0..1, same shape.
        """
        start = 0
        for index in indices:
            window = self._corpus.windows[index]
            end = start + len(window.words)
            self._tags[window.sentence][window.words] = tags[start:end]
            if sure is not None:
                self._sure[window.sentence][window.words] = sure[start:end]
            start = end

    def spans(self) -> list[tuple[Span, ...]]:
        """Return the predicted spans of every sentence."""
        return [
            spans_from_tag_ids(sentence, tags, self._names)
            for sentence, tags in zip(self._corpus.encoded, self._tags, strict=True)
        ]

    def scores(self, spans: Sequence[Sequence[Span]]) -> list[tuple[float, ...]]:
        """Return for each span the mean probability of its words' tags, 0..1, as the pipeline of transformers does.

        :param spans: of every sentence, from :meth:`spans`.
        """
        scored = []
        for sentence, sure, found in zip(self._corpus.encoded, self._sure, spans, strict=True):
            offsets = np.array(sentence.words, dtype=np.int64).reshape(-1, 2)
            scored.append(
                tuple(float(sure[(offsets[:, 0] < span.end) & (offsets[:, 1] > span.start)].mean()) for span in found)
            )
        return scored


def merged_tags(
    network: Network,
    corpus: EncodedCorpus,
    coder: Coder,
    names: Sequence[str],
    *,
    device: torch.device,
    bf16: bool,
) -> TagMerger:
    """Tag a corpus; return the tags and their probabilities, ready to be read as spans.

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
            sure, tags = network(batch).float().softmax(dim=-1).max(dim=-1)
            merger.add(indices, tags.to("cpu", torch.int32).numpy(), sure.cpu().numpy())
            advance()
    return merger


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
