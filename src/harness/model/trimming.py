"""Exact vocabulary trimming: an embedding that trains the rows its corpus can meet and leaves the rest where they are.

In multilingual encoders most parameters are word embeddings (96 of the 118 million of multilingual-e5-small), and in
fine-tuning nearly all of their rows get no gradient. Only the rows of the training mixture's pieces become parameters,
with gradients and optimizer states; ids, tokenizer and everything else stay as they are. A row without a gradient
changes in AdamW by its decay alone, the same factor for all, which is kept as a number. So any piece can be read at any
time, unseen text too, and the full matrix is restored to the last rounding. (Abdaoui et al. 2020,
https://arxiv.org/abs/2010.05609, cut vocabularies for good; here nothing is lost.)
"""

import copy
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

WORTH_IT = 0.9
"""Share of the rows above which trimming saves too little."""


class TrimmedEmbedding(nn.Module):
    """Rows that train, and a view of the pretrained rows that do not.

    :param whole: the pretrained embedding; it is read and never written.
    :param pieces: distinct piece ids that training can meet, rising, shape (rows,).
    """

    rows: Tensor
    decay: Tensor

    def __init__(self, whole: nn.Embedding, pieces: NDArray[Any]) -> None:
        super().__init__()
        self.num_embeddings = whole.num_embeddings
        self.embedding_dim = whole.embedding_dim
        self.padding_idx = whole.padding_idx
        kept = torch.from_numpy(np.asarray(pieces, dtype=np.int64))
        rows = torch.full((whole.num_embeddings,), -1, dtype=torch.int64)
        rows[kept] = torch.arange(len(kept))
        # In a tuple the pretrained matrix is neither a parameter nor part of a state, and no copy follows a device.
        self._whole = (whole.weight.detach(),)
        self._padding_row = int(rows[whole.padding_idx]) if whole.padding_idx is not None else -1
        self.weight = nn.Parameter(self._whole[0][kept].clone())
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("decay", torch.zeros(()))
        """Logarithm of the factor that weight decay has made of the rows left out."""

    def forward(self, ids: Tensor) -> Tensor:
        """Return the embeddings of piece ids of any shape; in training those of the chosen pieces alone."""
        rows = self.rows[ids]
        if self.training:
            padding = self._padding_row if self._padding_row >= 0 else None
            return nn.functional.embedding(rows, self.weight, padding)
        found = nn.functional.embedding(rows.clamp(min=0), self.weight)
        missing = rows < 0
        if bool(missing.any()):
            source = self._whole[0]
            others = source[ids[missing].to(source.device)].to(found.device, found.dtype)
            found[missing] = others * self._factor()
        return found

    def _factor(self) -> float:
        return math.exp(float(self.decay))

    def note_decay(self, learning_rate: float, weight_decay: float) -> None:
        """Book one optimizer step on the rows left out."""
        self.decay += math.log1p(-learning_rate * weight_decay)

    @property
    def left_out(self) -> int:
        """Parameters that do not train."""
        return (self.num_embeddings - self.weight.shape[0]) * self.embedding_dim

    def restored(self) -> nn.Embedding:
        """Return the full embedding as training without trimming leaves it."""
        with torch.no_grad():
            matrix = self._whole[0].to(self.weight.device) * self._factor()
            kept = self.rows >= 0
            matrix[kept] = self.weight[self.rows[kept]].to(matrix.dtype)
        rows, width = matrix.shape
        return nn.Embedding(rows, width, padding_idx=self.padding_idx, _weight=matrix)


def trimmed_copy(model: Any, pieces: NDArray[Any]) -> Any:
    """Return a copy of a transformers model whose input embeddings are trimmed; a plain copy where that cannot pay.

    :param pieces: piece ids that training can meet, special ones included.
    """
    whole = model.get_input_embeddings()
    distinct = np.unique(pieces)
    plain = type(whole) is nn.Embedding and whole.max_norm is None and whole.weight.requires_grad
    shared = plain and sum(parameter is whole.weight for _, parameter in model.named_parameters(remove_duplicate=False))
    if not plain or shared != 1 or len(distinct) > WORTH_IT * whole.num_embeddings:
        return copy.deepcopy(model)
    return copy.deepcopy(model, {id(whole): TrimmedEmbedding(whole, distinct)})
