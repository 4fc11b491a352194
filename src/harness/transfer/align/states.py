"""One vector a word: the states of an encoder's middle layers, averaged over the layers and over the word's pieces."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.machine.hub import LOADING_ERRORS, loading_error, ready_hub
from harness.machine.progress import progress_bar
from harness.transfer.align.running import RunningText, piece_owners
from harness.values.errors import ConfigError

Singles = NDArray[np.float32]
Item = TypeVar("Item")

PIECES_AT_ONCE = 2048
"""Padded pieces in a batch."""

KEPT_NUMBERS = 64 * 2**20
"""Numbers of word vectors (of four bytes) that are kept for the next set of pairs with the same texts."""


class WordStates:
    """An encoder as a source of word vectors; texts longer than it reads are read in windows that overlap.

    What was read is kept while there is room: a study aligns its training sentences for every target language, and
    again beside every development and test set. The vectors of a text depend on what shares its batch by the last
    digits of float32, far below what a link's threshold tells apart.

    :param path: hub id or local folder.
    :param layers: numbers of the hidden layers, 0 for the embeddings.
    :raises ConfigError: the encoder cannot be loaded, lacks a layer, or has no fast tokenizer.
    """

    def __init__(self, path: str, revision: str | None, layers: Sequence[int]) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        ready_hub(path)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(path, revision=revision, trust_remote_code=False)
            self._model: Any = AutoModel.from_pretrained(
                path, revision=revision, dtype=torch.float32, weights_only=True, trust_remote_code=False
            )
        except LOADING_ERRORS as error:
            raise loading_error(path, error, key="aligner.path") from error
        if not getattr(self._tokenizer, "is_fast", False):
            raise ConfigError(f"aligner.path: {path!r} has no fast tokenizer; words could not be found in its pieces")
        deepest = self._model.config.num_hidden_layers
        if wrong := [layer for layer in layers if not 0 <= layer <= deepest]:
            raise ConfigError(f"aligner.layers: found {wrong[0]}, {path} has layers 0 to {deepest}")
        self._layers = tuple(layers)
        drop_layers_behind(self._model, max(layers) + 1)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model.to(self._device).eval()
        probe = self._tokenizer("a")["input_ids"]
        core = self._tokenizer("a", add_special_tokens=False)["input_ids"]
        start = next(place for place in range(len(probe)) if probe[place : place + len(core)] == core)
        self._prefix, self._suffix = probe[:start], probe[start + len(core) :]
        limit = min(self._tokenizer.model_max_length, getattr(self._model.config, "max_position_embeddings", 512), 512)
        self._longest = max(8, limit - len(self._prefix) - len(self._suffix) - 2)  # RoBERTa's ids start at 2
        self._kept: dict[RunningText, Singles] = {}
        self._room = KEPT_NUMBERS

    def words(self, texts: Sequence[RunningText]) -> list[Singles]:
        """Return one vector a word for each text, shape (words, width); zeros for a word without a piece."""
        unread = [text for text in dict.fromkeys(texts) if text not in self._kept]
        read = dict(zip(unread, self._read(unread), strict=True)) if unread else {}
        for text, vectors in read.items():
            if vectors.size <= self._room:
                self._kept[text] = vectors
                self._room -= vectors.size
        return [read[text] if text in read else self._kept[text] for text in texts]

    def _read(self, texts: Sequence[RunningText]) -> list[Singles]:
        encoded = self._tokenizer(
            [running.text for running in texts],
            add_special_tokens=False, verbose=False, return_offsets_mapping=True, return_attention_mask=False,
        )  # fmt: skip
        parts = [
            (number, *window)
            for number, ids in enumerate(encoded["input_ids"])
            for window in windows(len(ids), self._longest)
        ]
        parts.sort(key=lambda part: part[2] - part[1])  # batches of like length
        width = self._model.config.hidden_size
        kept: list[list[tuple[int, Singles]]] = [[(-1, np.zeros((0, width), np.float32))] for _ in texts]
        batches = list(by_size(parts, [part[2] - part[1] for part in parts], PIECES_AT_ONCE))
        with progress_bar("reading texts to align", len(batches)) as advance:
            for batch in batches:
                states = self._run([encoded["input_ids"][number][first:last] for number, first, last, _, _ in batch])
                for (number, first, _, start, end), state in zip(batch, states, strict=True):
                    kept[number].append((start, state[start - first : end - first]))
                advance()
        return [
            _word_means(
                np.concatenate([state for _, state in sorted(kept[number], key=lambda piece: piece[0])]),
                running,
                encoded["offset_mapping"][number],
            )
            for number, running in enumerate(texts)
        ]

    def _run(self, sequences: Sequence[Sequence[int]]) -> Singles:
        """Return the mean states of the layers, shape (sequences, longest, width), special pieces left out.

        In float32: bfloat16 would make links depend on which texts share a batch.
        """
        import torch

        before = len(self._prefix)
        width = max(map(len, sequences)) + before + len(self._suffix)
        ids = np.full((len(sequences), width), self._tokenizer.pad_token_id or 0, dtype=np.int64)
        mask = np.zeros((len(sequences), width), dtype=np.int64)
        for row, sequence in enumerate(sequences):
            whole = [*self._prefix, *sequence, *self._suffix]
            ids[row, : len(whole)] = whole
            mask[row, : len(whole)] = 1
        with torch.inference_mode():
            hidden = self._model(
                input_ids=torch.from_numpy(ids).to(self._device),
                attention_mask=torch.from_numpy(mask).to(self._device),
                output_hidden_states=True,
            ).hidden_states
            mean = torch.stack([hidden[layer].float() for layer in self._layers]).mean(dim=0)
        return np.asarray(mean[:, before:].cpu().numpy())


def drop_layers_behind(model: Any, kept: int) -> None:
    """Drop the layers that nobody looks at; one more than is read stays, since the last state may be normalised."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == model.config.num_hidden_layers:
            del module[kept:]


def _word_means(pieces: Singles, running: RunningText, offsets: Sequence[tuple[int, int]]) -> Singles:
    owners = piece_owners(running, offsets)
    sums = np.zeros((len(running.offsets), pieces.shape[1]), np.float32)
    counts = np.zeros(len(running.offsets), np.float32)
    np.add.at(sums, owners[:, 1], pieces[owners[:, 0]])
    np.add.at(counts, owners[:, 1], 1)
    return np.asarray(sums / np.maximum(counts, 1)[:, None])


def windows(length: int, longest: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield first and last piece of each window of a text and which of its pieces it answers for."""
    if length <= longest:
        if length:
            yield 0, length, 0, length
        return
    step = longest // 2
    starts = [*range(0, length - longest, step), length - longest]
    answered = 0
    for place, start in enumerate(starts):
        # The middle of the overlap with the next window; the last one answers for the rest.
        end = (start + longest + starts[place + 1]) // 2 if place + 1 < len(starts) else length
        yield start, start + longest, answered, end
        answered = end


def by_size(items: Sequence[Item], sizes: Sequence[int], most: int) -> Iterator[Sequence[Item]]:
    """Yield runs of items whose number times their largest size is at most ``most``; at least one item each."""
    start = 0
    while start < len(items):
        stop, largest = start + 1, sizes[start]
        while stop < len(items) and (stop + 1 - start) * max(largest, sizes[stop]) <= most:
            largest = max(largest, sizes[stop])
            stop += 1
        yield items[start:stop]
        start = stop
