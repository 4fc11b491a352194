"""Encoders by card: a pretrained transformer with a token-classification head, or the from-scratch baseline.

Both give one network, ``network(batch) -> logits`` of shape (labelled words, tags), and one coder, which turns
sentences into pieces and windows into batches. Weights load in float32 (transformers would take the checkpoint's own
type), from safetensors, at the pinned revision, and never with a repository's own code.
"""

import copy
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from harness.model.encoding import EncodedSentence, Integers, Window
from harness.values.records import Sentence

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batch:
    """Some windows, padded, as a network reads them.

    :param inputs: tensors by the name the coder gives them; the first dimension of most is the window.
    :param positions: where the labelled words are among all places of the padded batch, flattened;
        shape (labelled words,).
    :param tags: tag ids of the labelled words, shape (labelled words,); nothing where they are to be predicted.
    """

    inputs: dict[str, Tensor]
    positions: Tensor
    tags: Tensor | None = None

    def to(self, device: torch.device, non_blocking: bool = True) -> "Batch":
        """Return the batch on a device; Lightning calls this too."""
        moved = {name: tensor.to(device, non_blocking=non_blocking) for name, tensor in self.inputs.items()}
        tags = None if self.tags is None else self.tags.to(device, non_blocking=non_blocking)
        return Batch(moved, self.positions.to(device, non_blocking=non_blocking), tags)


class Coder(Protocol):
    """What turns text into an encoder's input."""

    longest: int
    """Pieces a window may hold, special ones not counted."""

    special_pieces: tuple[int, ...]
    """Piece ids that :meth:`collate` adds."""

    identity: str
    """What its output depends on besides the text; part of cache keys."""

    def encode(self, sentences: Sequence[Sentence]) -> list[EncodedSentence]:
        """Return the pieces of each sentence."""
        ...

    def collate(self, windows: Sequence[Window]) -> Batch:
        """Return one padded batch."""
        ...

    def save(self, folder: Path) -> None:
        """Write what is needed to load the coder again."""
        ...


class Network(nn.Module, ABC):
    """A network from a batch to logits of the labelled words, shape (labelled words, tags)."""

    @abstractmethod
    def encoder_parameters(self) -> int:
        """Return the number of parameters without the classification head."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the weights and the configuration."""

    @abstractmethod
    def reset(self, seed: int) -> None:
        """Draw the weights that are not pretrained from a seed."""

    def copy_for(self, pieces: Integers, *, trim: bool) -> "Network":
        """Return a copy to train.

        :param pieces: all piece ids of the training mixture, special ones included.
        :param trim: leave out embeddings of other pieces, where that is exact and pays.
        """
        return copy.deepcopy(self)

    def after_step(self, learning_rate: float, weight_decay: float) -> None:
        """Hear of an optimizer step, while the gradients are still there."""

    @property
    def left_out_parameters(self) -> int:
        """Pretrained parameters that take no part in training, but are part of the model."""
        return 0


@dataclass(frozen=True)
class ModelSize:
    """Size of a model.

    :param parameters_millions: all parameters.
    :param encoder_parameters_millions: without the classification head.
    :param trained_parameters_millions: without embeddings that take no part in training.
    :param size_mb: 10^6 bytes in float32.
    """

    parameters_millions: float
    encoder_parameters_millions: float
    trained_parameters_millions: float
    size_mb: float


def model_size(network: Network) -> ModelSize:
    """Count the parameters of a network."""
    trained = sum(parameter.numel() for parameter in network.parameters())
    total = trained + network.left_out_parameters
    return ModelSize(total / 1e6, network.encoder_parameters() / 1e6, trained / 1e6, total * 4 / 1e6)


def state_of(network: nn.Module) -> dict[str, Any]:
    """Return the weights on the CPU as safetensors needs them: contiguous, and each tensor's storage its own."""
    state: dict[str, Any] = {}
    seen: set[int] = set()
    for name, tensor in network.state_dict().items():
        held = tensor.detach().cpu().contiguous()
        state[name] = held.clone() if held.data_ptr() in seen else held  # tied weights
        seen.add(held.data_ptr())
    return state
