"""What one process keeps from training to training: an encoder as it was loaded, and encoded sentences.

A sweep trains many models in one process. A warm result equals a cold one to the last digit, because heads and dropout
draw from the seed alone.
"""

import json
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from harness.config import EncoderCard
from harness.machine.store import DiskStore, ResultStore, cache_key
from harness.model.contract import Coder, Network
from harness.model.datamodule import EncodedCorpus, encode_corpus
from harness.model.encoding import EncodedSentence
from harness.model.open import load_encoder
from harness.values.records import Sentence

KEPT_CORPORA = 64
"""Encoded sentence lists kept in memory: more than the splits of any study at hand, some MB each."""

STORED_FROM = 2000
"""Sentences from which encoding is slow enough (0.3 s) to be worth an entry of the store."""


class EncoderMemory:
    """Keeps the encoder and the encoded corpora of one process.

    :param store: where large encoded corpora are kept besides; piece ids can be turned back into text, so for a
        restricted corpus it is one in memory.
    """

    def __init__(self, store: ResultStore | None = None) -> None:
        self.store: ResultStore = store or DiskStore()
        self._encoders: dict[str, tuple[Network, Coder]] = {}
        self._encoded: OrderedDict[tuple[str, str], list[EncodedSentence]] = OrderedDict()

    def load(self, card: EncoderCard, tags: Sequence[str], max_length: int) -> tuple[Network, Coder]:
        """Load an encoder, or return the one at hand; whoever trains it works on a copy.

        :raises ConfigError: it cannot be reached or loaded.
        """
        key = json.dumps([card.model_dump(mode="json"), list(tags), max_length])
        if key not in self._encoders:
            self._encoders.clear()  # one at a time: a large encoder takes gigabytes
            self._encoders[key] = load_encoder(card, tags, max_length=max_length)
        return self._encoders[key]

    def encode(self, sentences: Sequence[Sentence], coder: Coder, overlap: int) -> EncodedCorpus:
        """Return encoded sentences, from memory or from the store where they are.

        :param overlap: pieces that two windows of a long sentence share.
        """
        key = (coder.identity, sentences_digest(sentences))
        encoded = self._encoded.get(key)
        if encoded is None:
            stored = len(sentences) >= STORED_FROM and coder.identity.startswith("transformer/")
            encoded = _stored(sentences, coder, key, self.store) if stored else coder.encode(sentences)
            self._encoded[key] = encoded
            while len(self._encoded) > KEPT_CORPORA:
                self._encoded.popitem(last=False)
        return encode_corpus(sentences, coder, overlap=overlap, encoded=encoded)


def sentences_digest(sentences: Sequence[Sentence]) -> str:
    """Return the digest of the texts and tokens of sentences."""
    state = blake2b(digest_size=16)
    for sentence in sentences:
        state.update(repr((sentence.text, sentence.tokens)).encode("utf-8", errors="surrogatepass"))
    return state.hexdigest()


def _stored(
    sentences: Sequence[Sentence], coder: Coder, key: tuple[str, str], store: ResultStore
) -> list[EncodedSentence]:
    """Read encoded sentences from the store, or encode and keep them."""

    def encode() -> dict[str, Any]:
        encoded = coder.encode(sentences)
        return {
            "pieces": np.concatenate([sentence.pieces for sentence in encoded]),
            "first": np.concatenate([sentence.first for sentence in encoded]),
            "words": np.array([word for sentence in encoded for word in sentence.words], np.int32).reshape(-1, 2),
            "sizes": np.array([(len(sentence.pieces), len(sentence.words)) for sentence in encoded], np.int64),
        }

    name = cache_key("encoded", coder=key[0], sentences=key[1])
    arrays = store.arrays("encoded", name, "encoded.npz", encode)
    ends = arrays["sizes"].cumsum(axis=0)
    starts = ends - arrays["sizes"]
    words = [tuple(word) for word in arrays["words"].tolist()]
    return [
        EncodedSentence(tuple(words[w0:w1]), arrays["pieces"][p0:p1], arrays["first"][w0:w1])
        for (p0, w0), (p1, w1) in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
