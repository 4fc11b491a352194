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

PART_TOKENS = 1024
"""Padded pieces of a training batch that are computed at once on a processor: activations of more would be most of the
memory, and matrices of so many rows are multiplied no slower."""


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
    """Training batches of one model, and the corpora it is scored on meanwhile.

    :param train: labelled corpus; its tags become ``Batch.tags``.
    :param dev: the corpus that selects the checkpoint.
    :param watched: corpora that are scored at each evaluation besides.
    :param plan: tags, batch size and seed.
    :param part_tokens: padded pieces of a batch to be computed at once, see :data:`PART_TOKENS`; nothing for all.
    """

    def __init__(
        self,
        train: EncodedCorpus,
        dev: EncodedCorpus,
        coder: Coder,
        plan: TrainingPlan,
        watched: Sequence[EncodedCorpus] = (),
        *,
        part_tokens: int | None = None,
    ) -> None:
        super().__init__()
        self.part_tokens = part_tokens
        self.train_corpus = train
        self.dev_corpus = dev
        self.watched_corpora = tuple(watched)
        self.coder = coder
        self._plan = plan
        tag_ids = {tag: number for number, tag in enumerate(plan.tags)}
        self._tags, self.inexact_spans = gold_tags(train.sentences, train.encoded, tag_ids)
        self.position = (0, 0)
        """Passes, and batches of the next one, that a resumed training has behind it."""

    def _sampler(self, rank: int = 0, world_size: int = 1) -> BucketSampler:
        return BucketSampler(
            [len(window.pieces) for window in self.train_corpus.windows],
            batch_size=self._plan.settings.batch_size,
            token_budget=self._plan.settings.token_budget,
            seed=self._plan.order_seed,
            rank=rank,
            world_size=world_size,
        )

    def train_dataloader(self) -> DataLoader[Window]:
        """Return batches of training windows; every pass is shuffled differently."""
        trainer = self.trainer
        sampler = self._sampler(trainer.global_rank, trainer.world_size) if trainer else self._sampler()
        sampler.start_at(*self.position)
        return DataLoader(
            self.train_corpus.windows,  # type: ignore[arg-type]
            batch_sampler=sampler,
            collate_fn=self._collate_labelled,
        )

    def seen(self, steps: int) -> tuple[int, int]:
        """Return sentences (each window of a long one) and pieces of the first steps, without padding and special
        pieces.
        """
        settings = self._plan.settings
        sampler = self._sampler()
        a_step = settings.accumulate_batches * settings.devices
        passes, rest = divmod(steps, max(1, -(-len(sampler) // a_step)))
        last = [index for batch in sampler.of_pass(passes)[: rest * a_step] for index in batch]
        lengths = np.array([len(window.pieces) for window in self.train_corpus.windows], dtype=np.int64)
        return passes * len(lengths) + len(last), int(passes * lengths.sum() + lengths[last].sum())

    def steps_for(self, tokens: int) -> int:
        """Return the steps in which at least so many pieces are seen."""
        low, high = 1, 1
        while self.seen(high)[1] < tokens:
            low, high = high, 2 * high
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.seen(middle)[1] < tokens else (low, middle)
        return low

    def _collate_labelled(self, batch: list[Window]) -> tuple[Batch, ...]:
        return tuple(self._labelled(part) for part in parts_of(batch, self.part_tokens))

    def _labelled(self, part: list[Window]) -> Batch:
        tags: list[Integers] = [self._tags[window.sentence][window.words] for window in part]
        labelled = torch.from_numpy(np.concatenate(tags).astype(np.int64))
        return replace(self.coder.collate(part), tags=labelled)


def parts_of(batch: list[Window], tokens: int | None) -> list[list[Window]]:
    """Cut a batch into parts of at most so many padded pieces, longer windows alone; without a bound it stays whole.

    :param batch: windows of falling length.
    """
    parts: list[list[Window]] = [[]]
    for window in batch:
        part = parts[-1]
        if tokens is not None and part and (len(part) + 1) * len(part[0].pieces) > tokens:
            parts.append(part := [])
        part.append(window)
    return parts
