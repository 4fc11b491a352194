"""Alignment by an encoder's hidden states: SimAlign (Jalili Sabet et al. 2020) and AWESoME (Dou and Neubig 2021).

Words are compared as the mean of their pieces for SimAlign's argmax, itermax and match; AWESoME's softmax compares
pieces and links two words if any of their pieces are linked. Inputs longer than the encoder are read in windows that
overlap, each piece from the window where it has most context; nothing is cut.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.config import AlignerCard
from harness.machine.hub import LOADING_ERRORS, loading_error, ready_hub
from harness.machine.packaged import packaged_encoder
from harness.machine.provenance import folder_digest
from harness.transfer.align.contract import Links, WordPair
from harness.transfer.align.states import drop_layers_behind, windows
from harness.values.errors import ConfigError

Floats = NDArray[np.float64]

ITERMAX_ROUNDS = 2
ITERMAX_DISCOUNT = 0.9
"""SimAlign's defaults (section 2.2)."""


class EmbeddingAligner:
    """Compares hidden states of one layer; nothing is learned from the pairs."""

    learns = False
    by_line = False
    reads_texts = False

    def __init__(self, card: AlignerCard) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        self._card = card
        path = card.path or str(packaged_encoder(card.package or ""))
        ready_hub(path)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(path, revision=card.revision, trust_remote_code=False)
            self._model: Any = AutoModel.from_pretrained(
                path, revision=card.revision, dtype=torch.float32, weights_only=True, trust_remote_code=False
            )
        except LOADING_ERRORS as error:
            raise loading_error(path, error, key="aligner.path") from error
        if not getattr(self._tokenizer, "is_fast", False):
            raise ConfigError(f"aligner.path: {path!r} has no fast tokenizer; words could not be found in its pieces")
        layers = self._model.config.num_hidden_layers
        if not -layers - 1 <= card.layer <= layers:
            raise ConfigError(f"aligner.layer: found {card.layer}, {path} has layers 0 to {layers}")
        self._files = folder_digest(path)
        self._layer = card.layer if card.layer >= 0 else layers + 1 + card.layer
        drop_layers_behind(self._model, self._layer + 1)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model.to(self._device).eval()
        probe = self._tokenizer(["a"], is_split_into_words=True)["input_ids"]
        core = self._tokenizer(["a"], is_split_into_words=True, add_special_tokens=False)["input_ids"]
        start = next(place for place in range(len(probe)) if probe[place : place + len(core)] == core)
        self._prefix, self._suffix = probe[:start], probe[start + len(core) :]
        limit = min(self._tokenizer.model_max_length, getattr(self._model.config, "max_position_embeddings", 512), 512)
        self._longest = max(8, limit - len(self._prefix) - len(self._suffix) - 2)  # RoBERTa's ids start at 2

    @property
    def identity(self) -> Mapping[str, object]:
        """Everything the links depend on."""
        card = self._card
        return {
            "kind": "embedding", "path": card.path, "revision": card.revision, "layer": card.layer,
            "extract": card.extract, "threshold": card.softmax_threshold, "files": self._files,
        }  # fmt: skip

    def align(self, pairs: Sequence[WordPair]) -> list[Links]:
        """Return the links of each pair."""
        links: list[Links] = []
        size = self._card.batch_size
        for start in range(0, len(pairs), size):
            batch = pairs[start : start + size]
            sides = self._states([words for pair in batch for words in (pair.source, pair.target)])
            for number in range(len(batch)):
                links.append(self._links(sides[2 * number], sides[2 * number + 1]))
        return links

    def _links(self, source: tuple[Floats, list[int]], target: tuple[Floats, list[int]]) -> Links:
        if not len(source[0]) or not len(target[0]):
            return {}  # the tokenizer left nothing of one side
        if self._card.extract == "softmax":
            return softmax_links(source, target, self._card.softmax_threshold)
        rows, row_words = _word_means(*source)
        columns, column_words = _word_means(*target)
        pairs = {"argmax": argmax_links, "itermax": itermax_links, "match": match_links}[self._card.extract](
            cosine(rows, columns)
        )
        return {(row_words[i], column_words[j]): 1.0 for i, j in pairs}

    def _states(self, sentences: Sequence[Sequence[str]]) -> list[tuple[Floats, list[int]]]:
        """Return for each sentence its pieces' states (pieces × width) and the word of each piece."""
        encoded = [
            self._tokenizer(list(words), is_split_into_words=True, add_special_tokens=False, verbose=False)
            for words in sentences
        ]
        parts = [
            (number, *window)
            for number, encoding in enumerate(encoded)
            for window in windows(len(encoding["input_ids"]), self._longest)
        ]
        parts.sort(key=lambda part: part[2] - part[1])  # batches of like length
        pieces: list[list[tuple[int, Floats]]] = [[] for _ in sentences]
        for start in range(0, len(parts), 2 * self._card.batch_size):
            batch = parts[start : start + 2 * self._card.batch_size]
            states = self._run([encoded[number]["input_ids"][first:last] for number, first, last, _, _ in batch])
            for (number, first, _, kept_from, kept_to), state in zip(batch, states, strict=True):
                pieces[number].append((kept_from, state[kept_from - first : kept_to - first]))
        stitched = []
        for number, encoding in enumerate(encoded):
            ordered = [state for _, state in sorted(pieces[number], key=lambda piece: piece[0])]
            words = [word for word in encoding.word_ids() if word is not None]
            stitched.append((np.concatenate(ordered) if ordered else np.zeros((0, 1)), words))
        return stitched

    def _run(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        import torch

        width = max(map(len, sequences)) + len(self._prefix) + len(self._suffix)
        padding = self._tokenizer.pad_token_id or 0
        ids = np.full((len(sequences), width), padding, dtype=np.int64)
        mask = np.zeros((len(sequences), width), dtype=np.int64)
        for row, sequence in enumerate(sequences):
            whole = [*self._prefix, *sequence, *self._suffix]
            ids[row, : len(whole)] = whole
            mask[row, : len(whole)] = 1
        with torch.inference_mode():
            states = self._model(
                input_ids=torch.from_numpy(ids).to(self._device),
                attention_mask=torch.from_numpy(mask).to(self._device),
                output_hidden_states=True,
            ).hidden_states[self._layer]
        vectors = states.float().cpu().numpy().astype(np.float64)
        before = len(self._prefix)
        return [vectors[row, before : before + len(sequence)] for row, sequence in enumerate(sequences)]


def _word_means(states: Floats, words: list[int]) -> tuple[Floats, list[int]]:
    order = list(dict.fromkeys(words))
    number = {word: row for row, word in enumerate(order)}
    rows = np.array([number[word] for word in words])
    sums = np.zeros((len(order), states.shape[1]))
    np.add.at(sums, rows, states)
    return sums / np.bincount(rows)[:, None], order


def cosine(rows: Floats, columns: Floats) -> Floats:
    """Return cosine similarities moved to 0..1, shape (rows, columns)."""
    a = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    b = columns / np.maximum(np.linalg.norm(columns, axis=1, keepdims=True), 1e-12)
    return np.asarray((a @ b.T + 1) / 2)


def argmax_links(similarity: Floats) -> list[tuple[int, int]]:
    """Link words that are each other's most similar (SimAlign, section 2.2)."""
    best_column, best_row = similarity.argmax(axis=1), similarity.argmax(axis=0)
    return [(row, int(column)) for row, column in enumerate(best_column) if best_row[column] == row]


def itermax_links(similarity: Floats) -> list[tuple[int, int]]:
    """Repeat argmax: linked words may get more links at a discount, pairs of two linked words none."""
    links = set(argmax_links(similarity))
    for _ in range(ITERMAX_ROUNDS - 1):
        linked = np.zeros(similarity.shape, dtype=bool)
        for row, column in links:
            linked[row, column] = True
        row_taken, column_taken = linked.any(axis=1, keepdims=True), linked.any(axis=0, keepdims=True)
        weight = np.where(row_taken | column_taken, ITERMAX_DISCOUNT, 1.0)
        weight[row_taken & column_taken] = 0.0
        again = similarity * weight
        more = {(row, column) for row, column in argmax_links(again) if again[row, column] > 0} - links
        if not more:
            break
        links |= more
    return sorted(links)


def match_links(similarity: Floats) -> list[tuple[int, int]]:
    """Link words by the assignment with the largest sum of similarities."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(similarity, maximize=True)
    return sorted((int(row), int(column)) for row, column in zip(rows, columns, strict=True))


def softmax_links(source: tuple[Floats, list[int]], target: tuple[Floats, list[int]], threshold: float) -> Links:
    """Link pieces likely in both directions; a word link's weight is its pieces' best product of probabilities."""
    product = source[0] @ target[0].T
    ahead = _softmax(product, axis=1)
    back = _softmax(product, axis=0)
    links: Links = {}
    for row, column in np.argwhere((ahead > threshold) & (back > threshold)):
        link = (source[1][row], target[1][column])
        weight = float(np.sqrt(ahead[row, column] * back[row, column]))
        links[link] = max(links.get(link, 0.0), min(1.0, weight))
    return links


def _softmax(values: Floats, axis: int) -> Floats:
    raised = np.exp(values - values.max(axis=axis, keepdims=True))
    return np.asarray(raised / raised.sum(axis=axis, keepdims=True))
