"""The from-scratch baseline of the field: a character CNN for words, a BiLSTM over them.

Ma & Hovy 2016, "End-to-end Sequence Labeling via Bi-directional LSTM-CNNs-CRF", ACL, section 2
(https://aclanthology.org/P16-1101). Departures: UTF-8 bytes instead of characters, so that no vocabulary is
needed and every script can be read; no pretrained word vectors (there are none for most languages) and no CRF
(words are labelled independently, as by the transformers it is compared with); a second layer of dropout instead of
dropout on embeddings.
"""

import itertools
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from harness.model.contract import Batch, Network, state_of
from harness.model.encoding import EncodedSentence, Window
from harness.values.languages import word_offsets
from harness.values.records import Sentence

logger = logging.getLogger(__name__)

PADDING = 256
"""Byte id of padding; 0..255 are bytes."""

WEIGHTS = "model.safetensors"

LONGEST_WORD = 256
"""Bytes of a word that are read: four times the longest word of any corpus at hand. A table of words is as wide as its
longest, so a word of a megabyte would fill the memory."""


class CharBilstm(Network):
    """Byte embeddings → convolution of width 3 → maximum over the word → BiLSTM → linear layer."""

    def __init__(
        self, tags: int, *, byte_dimensions: int, filters: int, hidden_units: int, dropout_rate: float
    ) -> None:
        super().__init__()
        self.bytes = nn.Embedding(PADDING + 1, byte_dimensions, padding_idx=PADDING)
        self.convolution = nn.Conv1d(byte_dimensions, filters, kernel_size=3, padding=1)
        self.dropout = nn.Dropout(dropout_rate)
        self.lstm = nn.LSTM(filters, hidden_units, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden_units, tags)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits of the labelled words, shape (labelled words, tags)."""
        spelled = batch.inputs["spelling"]  # (distinct words, bytes)
        embedded = self.bytes(spelled).transpose(1, 2)  # (distinct words, dimensions, bytes)
        convolved = torch.relu(self.convolution(embedded))
        convolved = convolved.masked_fill((spelled == PADDING).unsqueeze(1), 0.0)
        words = self.dropout(convolved.amax(dim=2))  # (distinct words, filters)
        sentences = words[batch.inputs["words"]]  # (batch, words, filters)
        packed = nn.utils.rnn.pack_padded_sequence(
            sentences, batch.inputs["lengths"].cpu(), batch_first=True, enforce_sorted=False
        )
        output, _ = self.lstm(packed)
        context, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=True, total_length=sentences.shape[1])
        logits: Tensor = self.head(self.dropout(context.flatten(0, 1)[batch.positions]))
        return logits

    def encoder_parameters(self) -> int:
        """Return the number of parameters without the linear layer."""
        return sum(parameter.numel() for name, parameter in self.named_parameters() if not name.startswith("head."))

    def reset(self, seed: int) -> None:
        """Draw all weights from a seed: Glorot for matrices, 0 for biases, 1 for forget gates."""
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if name == "bytes.weight":
                    parameter.normal_(0.0, 1.0, generator=generator)
                    parameter[PADDING].zero_()
                elif parameter.dim() > 1:
                    nn.init.xavier_uniform_(parameter, generator=generator)
                else:
                    parameter.zero_()
                    if "bias_ih" in name:  # gates in torch's order: input, forget, cell, output
                        quarter = len(parameter) // 4
                        parameter[quarter : 2 * quarter] = 1.0

    def save(self, folder: Path) -> None:
        """Write ``model.safetensors``."""
        save_file(state_of(self), folder / WEIGHTS)


class CharCoder:
    """Words as UTF-8 bytes; the spellings met are kept in a table that the pieces index."""

    _made = itertools.count()

    def __init__(self, max_length: int) -> None:
        # Pieces index this very table, so no other coder's pieces may be taken for ours.
        self.identity = f"char-bilstm/{next(CharCoder._made)}"
        self.longest = max_length
        self.special_pieces: tuple[int, ...] = ()
        self.max_length = max_length
        self._numbers: dict[bytes, int] = {}
        self._spellings: list[bytes] = []

    def encode(self, sentences: Sequence[Sentence]) -> list[EncodedSentence]:
        """Number the spelling of every word; each word is one piece."""
        encoded = []
        for sentence in sentences:
            words = sentence.tokens if sentence.tokens is not None else word_offsets(sentence.text)
            pieces = [self._number(sentence.text[start:end]) for start, end in words]
            encoded.append(
                EncodedSentence(words, np.array(pieces, dtype=np.int32), np.arange(len(words), dtype=np.int32))
            )
        return encoded

    def _number(self, word: str) -> int:
        spelling = word.encode()
        if len(spelling) > LONGEST_WORD:
            logger.info("a word of %d bytes is read by its first %d", len(spelling), LONGEST_WORD)
            spelling = spelling[:LONGEST_WORD]
        number = self._numbers.setdefault(spelling, len(self._spellings))
        if number == len(self._spellings):
            self._spellings.append(spelling)
        return number

    def collate(self, windows: Sequence[Window]) -> Batch:
        """Return ``spelling`` (distinct words, bytes), ``words`` and ``lengths`` of the windows, ``positions``.

        The distinct words come in the order of their spelling. Their numbers tell in which order this process met them,
        and dropout masks and sums go by row: a cell of a sweep would have other scores after another cell.
        """
        width = max(1, *(len(window.pieces) for window in windows))
        distinct, inverse = np.unique(np.concatenate([window.pieces for window in windows]), return_inverse=True)
        spelled = [self._spellings[number] for number in distinct]
        order = sorted(range(len(spelled)), key=spelled.__getitem__)
        rows = np.empty(len(spelled), dtype=np.int64)
        rows[order] = np.arange(len(spelled))
        inverse = rows[inverse]
        spellings = [spelled[number] for number in order] or [b""]
        longest = max(1, *(len(spelling) for spelling in spellings), 1)
        table = np.full((len(spellings), longest), PADDING, dtype=np.int64)
        for row, spelling in enumerate(spellings):
            table[row, : len(spelling)] = np.frombuffer(spelling, dtype=np.uint8)
        words = np.zeros((len(windows), width), dtype=np.int64)
        lengths = np.array([max(1, len(window.pieces)) for window in windows], dtype=np.int64)
        start = 0
        for row, window in enumerate(windows):
            words[row, : len(window.pieces)] = inverse[start : start + len(window.pieces)]
            start += len(window.pieces)
        positions = np.concatenate(
            [window.positions.astype(np.int64) + row * width for row, window in enumerate(windows)]
        )
        inputs = {
            "spelling": torch.from_numpy(table),
            "words": torch.from_numpy(words),
            "lengths": torch.from_numpy(lengths),
        }
        return Batch(inputs, torch.from_numpy(positions))

    def save(self, folder: Path) -> None:
        """The coder has nothing to keep: spellings are read from the text."""
