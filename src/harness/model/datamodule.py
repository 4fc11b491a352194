"""The Lightning data module: encoded windows in, seeded batches of similar length out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from harness.model.batching import BucketSampler, batches_by_length
from harness.model.contract import Batch, Coder
from harness.model.encoding import EncodedSentence, Integers, Window, gold_tags, unseen_words, windows
from harness.model.plan import TrainingPlan
from harness.values.records import Sentence

PREDICTION_TOKENS = 4096
"""Padded pieces in a batch without gradients: below what a training step needs, and no slower than more."""


@dataclass(frozen=True)
class EncodedCorpus:
    """Sentences ready for a model.

    :param windows: see :func:`harness.model.encoding.windows`.
    """

    sentences: tuple[Sentence, ...]
    encoded: list[EncodedSentence]
    windows: list[Window]

    @property
    def windowed(self) -> int:
        """Sentences longer than one window."""
        return len(self.windows) - len(self.encoded) and len(
            {
                window.sentence
                for window in self.windows
                if len(self.encoded[window.sentence].pieces) > len(window.pieces)
            }
        )

    @property
    def unseen_words(self) -> int:
        """Words the tokenizer left nothing of."""
        return unseen_words(self.encoded)


def encode_corpus(
    sentences: Sequence[Sentence], coder: Coder, *, overlap: int, encoded: list[EncodedSentence] | None = None
) -> EncodedCorpus:
    """Encode sentences and cut the long ones into windows.

    :param encoded: the pieces, where they are at hand already.
    """
    encoded_sentences = coder.encode(sentences) if encoded is None else encoded
    return EncodedCorpus(
        tuple(sentences), encoded_sentences, windows(encoded_sentences, longest=coder.longest, overlap=overlap)
    )


def prediction_batches(corpus: EncodedCorpus) -> list[list[int]]:
    """Return the windows in batches of similar length, longest first."""
    lengths = [len(window.pieces) for window in corpus.windows]
    return batches_by_length(lengths, batch_size=512, token_budget=PREDICTION_TOKENS, generator=None)


class TaggingData(pl.LightningDataModule):
    """Training and development batches of one model.

    :param train: labelled corpus; its tags become ``Batch.tags``.
    :param dev: the corpus that selects the checkpoint.
    :param plan: tags, batch size and seed.
    """

    def __init__(
        self,
        train: EncodedCorpus,
        dev: EncodedCorpus,
        coder: Coder,
        plan: TrainingPlan,
    ) -> None:
        super().__init__()
        self.train_corpus = train
        self.dev_corpus = dev
        self._coder = coder
        self._plan = plan
        tag_ids = {tag: number for number, tag in enumerate(plan.tags)}
        self._tags, self.inexact_spans = gold_tags(train.sentences, train.encoded, tag_ids)
        self.position = (0, 0)
        """Passes, and batches of the next one, that a resumed training has behind it."""

    def train_dataloader(self) -> DataLoader[Window]:
        """Return batches of training windows; every pass is shuffled differently."""
        trainer = self.trainer
        sampler = BucketSampler(
            [len(window.pieces) for window in self.train_corpus.windows],
            batch_size=self._plan.settings.batch_size,
            token_budget=self._plan.settings.token_budget,
            seed=self._plan.seed,
            rank=trainer.global_rank if trainer else 0,
            world_size=trainer.world_size if trainer else 1,
        )
        sampler.start_at(*self.position)
        return DataLoader(
            self.train_corpus.windows,  # type: ignore[arg-type]
            batch_sampler=sampler,
            collate_fn=self._collate_labelled,
        )

    def val_dataloader(self) -> DataLoader[int]:
        """Return batches of development windows, with their indices."""
        return DataLoader(
            range(len(self.dev_corpus.windows)),  # type: ignore[arg-type]
            batch_sampler=prediction_batches(self.dev_corpus),
            collate_fn=self._collate_indices,
        )

    def _collate_labelled(self, batch: list[Window]) -> Batch:
        tags: list[Integers] = [self._tags[window.sentence][window.words] for window in batch]
        labelled = torch.from_numpy(np.concatenate(tags).astype(np.int64))
        return replace(self._coder.collate(batch), tags=labelled)

    def _collate_indices(self, indices: list[int]) -> tuple[list[int], Batch]:
        return indices, self._coder.collate([self.dev_corpus.windows[index] for index in indices])
