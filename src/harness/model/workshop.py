"""Training and prediction with what is slow to make kept warm from one model to the next.

A sweep calls this many times in one process: tokenised sentences and pretrained weights are made once. A warm result
equals a cold one to the last digit, because heads and dropout draw from the seed alone.
"""

import copy
import json
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.config import EncoderCard, TrainerConfig
from harness.machine.process import thread_count
from harness.machine.provenance import available_cores
from harness.machine.store import cache_key, cached_folder
from harness.model.contract import Coder, Network, model_size
from harness.model.datamodule import EncodedCorpus, TaggingData, encode_corpus
from harness.model.encoding import EncodedSentence, unreachable_spans
from harness.model.open import load_encoder
from harness.model.predict import predict_spans
from harness.model.selection import OnEpoch
from harness.model.tagger import ScoreDev
from harness.model.train import Training, train_model
from harness.model.trained import TrainedModel, save_model
from harness.values.labels import tag_names
from harness.values.records import Sentence, Span

logger = logging.getLogger(__name__)

_KEPT_CORPORA = 64
"""Tokenised sentence lists kept in memory: more than the splits of any study at hand, some MB each."""

_DISK_FROM = 2000
"""Sentences from which tokenising is slow enough (0.3 s) to be worth a cache entry on disk."""


@dataclass
class FittedModel:
    """A trained model with its training record.

    :param overlap: pieces two windows share.
    """

    trained: TrainedModel
    training: Training
    metrics: dict[str, float]
    workshop: "Workshop"
    threads: int

    @property
    def collapsed(self) -> str:
        """Why the model must not be averaged with others; empty for a sound one."""
        return self.training.collapsed

    def predict(self, sentences: Sequence[Sentence]) -> tuple[list[tuple[Span, ...]], dict[str, int]]:
        """Return the spans of each sentence, and what the model could not see."""
        corpus = self.workshop.encoded(sentences, self.trained.coder, overlap=self.trained.overlap)
        with thread_count(self.threads):
            spans = predict_spans(
                self.trained.network,
                corpus,
                self.trained.coder,
                self.trained.tags,
                device=self.training.device,
                bf16=self.training.bf16,
            )
        return spans, {"windowed_sentences": corpus.windowed, "unseen_words": corpus.unseen_words}

    def unreachable(self, sentences: Sequence[Sentence]) -> dict[str, tuple[int, int]]:
        """Return for each language how many gold spans this encoder's words and pieces cannot express, and of how
        many.
        """
        corpus = self.workshop.encoded(sentences, self.trained.coder, overlap=self.trained.overlap)
        counts: dict[str, tuple[int, int]] = {}
        for sentence, encoded in zip(corpus.sentences, corpus.encoded, strict=True):
            missed, spans = counts.get(sentence.language, (0, 0))
            counts[sentence.language] = (
                missed + unreachable_spans(sentence, encoded), spans + len(sentence.spans),
            )  # fmt: skip
        return counts

    def save(self, folder: Path, **facts: Any) -> Path:
        """Write the model folder."""
        save_model(self.trained, folder, **facts)
        return folder


class Workshop:
    """Keeps encoders and tokenised corpora of one process.

    ``use_disk``: whether tokenised corpora may be kept in the cache on disk (never for restricted ones: piece ids
        can be turned back into text).
    """

    def __init__(self) -> None:
        self._encoders: dict[str, tuple[Network, Coder]] = {}
        self._encoded: OrderedDict[tuple[str, str], list[EncodedSentence]] = OrderedDict()
        self.use_disk = True

    def fit(
        self,
        card: EncoderCard,
        labels: Sequence[str],
        train: Sequence[Sentence],
        dev: Sequence[Sentence],
        *,
        settings: TrainerConfig,
        learning_rate: float,
        max_epochs: int,
        seed: int,
        score_dev: ScoreDev,
        on_epoch: OnEpoch,
        scratch: Path,
        progress: bool,
    ) -> FittedModel:
        """Train one model.

        :param scratch: a folder for the checkpoint while training.
        :raises HarnessError: see :func:`harness.model.train.train_model` and
            :func:`harness.model.open.load_encoder`.
        """
        tags = tag_names(labels)
        kept, coder = self.load(card, labels, settings)
        network = copy.deepcopy(kept)  # training must not touch the one that is kept
        network.reset(seed)
        overlap = min(settings.window_overlap, coder.longest // 2)
        data = TaggingData(
            self.encoded(train, coder, overlap=overlap),
            self.encoded(dev, coder, overlap=overlap),
            coder,
            tag_ids={tag: number for number, tag in enumerate(tags)},
            batch_size=settings.batch_size,
            token_budget=settings.token_budget,
            seed=seed,
        )
        threads = settings.threads or available_cores()
        with thread_count(threads):
            training = train_model(
                network,
                tags,
                data,
                settings=settings,
                learning_rate=learning_rate,
                max_epochs=max_epochs,
                bf16_allowed=card.bf16,
                seed=seed,
                score_dev=score_dev,
                on_epoch=on_epoch,
                checkpoint=scratch / "best.safetensors",
                progress=progress,
            )
        model = TrainedModel(network, coder, tags, card, settings.max_length, overlap)
        return FittedModel(model, training, _metrics(network, data, training), self, threads)

    def load(self, card: EncoderCard, labels: Sequence[str], settings: TrainerConfig) -> tuple[Network, Coder]:
        """Load an encoder, or return the one at hand.

        :raises ConfigError: it cannot be reached or loaded.
        """
        tags = tag_names(labels)
        key = json.dumps([card.model_dump(mode="json"), tags, settings.max_length])
        if key not in self._encoders:
            self._encoders.clear()  # one at a time: a large encoder takes gigabytes
            self._encoders[key] = load_encoder(card, tags, max_length=settings.max_length)
        return self._encoders[key]

    def encoded(self, sentences: Sequence[Sentence], coder: Coder, *, overlap: int) -> EncodedCorpus:
        """Return encoded sentences, from memory or from the cache where they are."""
        key = (coder.identity, _digest(sentences))
        pieces = self._encoded.get(key)
        if pieces is None:
            on_disk = self.use_disk and len(sentences) >= _DISK_FROM and coder.identity.startswith("transformer/")
            pieces = _from_disk(sentences, coder, key) if on_disk else coder.encode(sentences)
            self._encoded[key] = pieces
            while len(self._encoded) > _KEPT_CORPORA:
                self._encoded.popitem(last=False)
        return encode_corpus(sentences, coder, overlap=overlap, encoded=pieces)


def _digest(sentences: Sequence[Sentence]) -> str:
    state = blake2b(digest_size=16)
    for sentence in sentences:
        state.update(repr((sentence.text, sentence.tokens)).encode("utf-8", errors="surrogatepass"))
    return state.hexdigest()


def _from_disk(sentences: Sequence[Sentence], coder: Coder, key: tuple[str, str]) -> list[EncodedSentence]:
    """Read tokenised sentences from the cache, or make and keep them; a damaged entry is made anew."""

    def write(folder: Path) -> None:
        made = coder.encode(sentences)
        np.savez(
            folder / "encoded.npz",
            pieces=np.concatenate([one.pieces for one in made]),
            first=np.concatenate([one.first for one in made]),
            words=np.array([pair for one in made for pair in one.words], dtype=np.int32).reshape(-1, 2),
            sizes=np.array([(len(one.pieces), len(one.words)) for one in made], dtype=np.int64),
        )

    name = cache_key("encoded", coder=key[0], sentences=key[1])
    pieces, first, words, sizes = _read_arrays(cached_folder("encoded", name, write))
    ends = sizes.cumsum(axis=0)
    starts = ends - sizes
    pairs = [tuple(pair) for pair in words.tolist()]
    return [
        EncodedSentence(tuple(pairs[w0:w1]), pieces[p0:p1], first[w0:w1])
        for (p0, w0), (p1, w1) in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


def _read_arrays(folder: Path) -> list[Any]:
    with np.load(folder / "encoded.npz", allow_pickle=False) as stored:
        return [stored[name] for name in ("pieces", "first", "words", "sizes")]


def _metrics(network: Network, data: TaggingData, training: Training) -> dict[str, float]:
    size = model_size(network)
    metrics = {
        "model/parameters_millions": size.parameters_millions,
        "model/encoder_parameters_millions": size.encoder_parameters_millions,
        "model/size_mb": size.size_mb,
        "train/seconds": training.seconds,
        "train/step_seconds": training.train_seconds,
        "train/sentences_per_second": training.sentences_per_second,
        "train/epochs": float(training.epochs),
        "train/best_epoch": float(training.best_epoch),
        "train/best_dev_entity_f1": training.best_score,
        "train/bf16": float(training.bf16),
        "train/sentences": float(len(data.train_corpus.sentences)),
        "train/windowed_sentences": float(data.train_corpus.windowed),
        "train/unseen_words": float(data.train_corpus.unseen_words),
        "train/inexact_spans": float(data.inexact_spans),
    }
    if training.device.type == "cuda":
        metrics["train/peak_gpu_mb"] = torch.cuda.max_memory_allocated() / 1e6
    return metrics
