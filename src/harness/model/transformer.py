"""A pretrained transformer with transformers' own token-classification head, and its tokenizer.

Using the library's head for each architecture keeps the export a plain Hugging Face folder. The logits are taken at the
first pieces of the labelled words.
"""

import copy
import itertools
import json
import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForTokenClassification, AutoTokenizer

from harness.machine.hub import LOADING_ERRORS, loading_error, ready_hub
from harness.model.contract import Batch, Network
from harness.model.encoding import EncodedSentence, Integers, Window, first_pieces, one_word_a_piece
from harness.model.trimming import TrimmedEmbedding, trimmed_copy
from harness.values.errors import ConfigError
from harness.values.languages import is_unspaced, word_offsets
from harness.values.records import Sentence

_STRETCH = 50_000
"""Characters tokenised at once: the tokenizer's own tables take a hundred times the text, so that a line of 10 MB read
whole would take gigabytes. Longer texts are cut at a blank, else between two words."""


class TransformerNetwork(Network):
    """``AutoModelForTokenClassification``, its logits gathered at first pieces.

    :param model: the model of transformers, in float32.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    @classmethod
    def pretrained(
        cls, path: str, revision: str | None, tags: Sequence[str], *, safetensors: bool
    ) -> "TransformerNetwork":
        """Load pretrained weights; the head is new and must be drawn with :meth:`reset`.

        :param safetensors: insist on safetensors; else a ``.bin`` file is read with ``weights_only``.

        :raises ConfigError: the model cannot be reached or loaded, or lacks weights of the encoder itself.
        """
        ready_hub(path)
        try:
            config = AutoConfig.from_pretrained(
                path,
                revision=revision,
                trust_remote_code=False,
                num_labels=len(tags),
                id2label=dict(enumerate(tags)),
                label2id={tag: index for index, tag in enumerate(tags)},
            )
            model, info = AutoModelForTokenClassification.from_pretrained(
                path,
                revision=revision,
                config=config,
                dtype=torch.float32,
                use_safetensors=True if safetensors else None,
                weights_only=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
        except LOADING_ERRORS as error:
            raise loading_error(path, error) from error
        network = cls(model)
        prefix = f"{model.base_model_prefix}."
        missing = sorted(name for name in info["missing_keys"] if name.startswith(prefix))
        if missing:
            raise ConfigError(f"encoder.path: {path!r} lacks {len(missing)} weights of the encoder, first {missing[0]}")
        return network

    @classmethod
    def exported(cls, folder: Path) -> "TransformerNetwork":
        """Load a trained model, head included.

        :raises ConfigError: the folder does not hold one.
        """
        try:
            model = AutoModelForTokenClassification.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
            )
        except LOADING_ERRORS as error:
            raise loading_error(str(folder), error) from error
        return cls(model)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits of the labelled words, shape (labelled words, tags)."""
        output = self.model(**batch.inputs)
        logits: Tensor = output.logits  # (batch, pieces, tags)
        return logits.flatten(0, 1)[batch.positions]  # (labelled words, tags)

    def encoder_parameters(self) -> int:
        """Return the number of parameters of the encoder without the head."""
        trained: int = sum(parameter.numel() for parameter in self.model.base_model.parameters())
        return trained + self.left_out_parameters

    @property
    def left_out_parameters(self) -> int:
        """Embeddings of pieces that the training mixture does not have."""
        trimmed = self._trimmed
        return trimmed.left_out if trimmed else 0

    @property
    def _trimmed(self) -> TrimmedEmbedding | None:
        embedding = self.model.get_input_embeddings()
        return embedding if isinstance(embedding, TrimmedEmbedding) else None

    def copy_for(self, pieces: Integers, *, trim: bool) -> "TransformerNetwork":
        """Return a copy to train, see :mod:`harness.model.trimming`."""
        return TransformerNetwork(trimmed_copy(self.model, pieces) if trim else copy.deepcopy(self.model))

    def after_step(self, learning_rate: float, weight_decay: float) -> None:
        """Let the embeddings left out decay as those that had a gradient did."""
        trimmed = self._trimmed
        if trimmed and trimmed.weight.grad is not None:
            trimmed.note_decay(learning_rate, weight_decay)

    def reset(self, seed: int) -> None:
        """Draw the head from a seed: normal with the model's initializer range, biases 0 (as in BERT)."""
        generator = torch.Generator().manual_seed(seed)
        spread = getattr(self.model.config, "initializer_range", 0.02)
        encoder = set(self.model.base_model.modules())
        for module in self.model.modules():
            if module in encoder:
                continue
            if isinstance(module, nn.Linear):
                with torch.no_grad():
                    module.weight.normal_(0.0, spread, generator=generator)
                    if module.bias is not None:
                        module.bias.zero_()
            elif hasattr(module, "reset_parameters"):
                module.reset_parameters()  # normalisation layers: ones and zeros, nothing random

    def save(self, folder: Path) -> None:
        """Write ``config.json`` and ``model.safetensors``, the full vocabulary in it."""
        self.model.config._name_or_path = ""  # a folder of this machine would stand in the export
        trimmed = self._trimmed
        if trimmed is None:
            self.model.save_pretrained(folder)
            return
        self.model.set_input_embeddings(trimmed.restored())
        try:
            self.model.save_pretrained(folder)
        finally:
            self.model.set_input_embeddings(trimmed)


class TransformerCoder:
    """A fast tokenizer of transformers, used on raw text with offsets.

    Words of raw text: with a WordPiece tokenizer its own pre-tokens, so that ``pipeline("token-classification",
    aggregation_strategy="first")`` groups the same way (but for runs of Thai, Japanese and the like, which that
    function leaves whole); with others :func:`harness.values.languages.word_offsets`, because their words end at blanks
    only and would keep a comma in the entity.
    """

    def __init__(self, tokenizer: Any, *, longest: int, max_length: int) -> None:
        self._tokenizer = tokenizer
        self.max_length = max_length
        probe, core = tokenizer("a")["input_ids"], tokenizer("a", add_special_tokens=False)["input_ids"]
        start = next(index for index in range(len(probe)) if probe[index : index + len(core)] == core)
        self._prefix, self._suffix = probe[:start], probe[start + len(core) :]
        self.longest = longest - len(self._prefix) - len(self._suffix)
        self._padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        self.special_pieces = (*self._prefix, *self._suffix, self._padding)
        serialised = json.loads(tokenizer.backend_tokenizer.to_str())
        serialised.pop("padding", None)  # set as a side effect of calls, without bearing on what we read
        serialised.pop("truncation", None)
        self._own_words = bool(serialised["model"].get("continuing_subword_prefix"))
        text = json.dumps(serialised, sort_keys=True)
        # 2: words that share a piece are one word; what was encoded before must not be read.
        self.identity = "transformer/2/" + blake2b(text.encode(), digest_size=16).hexdigest()

    @classmethod
    def pretrained(cls, path: str, revision: str | None, *, max_length: int, config: Any) -> "TransformerCoder":
        """Load the tokenizer of an encoder.

        :raises ConfigError: it cannot be loaded, or has no fast version (offsets are needed).
        """
        ready_hub(path)
        try:
            tokenizer = AutoTokenizer.from_pretrained(path, revision=revision, trust_remote_code=False)
        except LOADING_ERRORS as error:
            raise loading_error(path, error) from error
        if not getattr(tokenizer, "is_fast", False):
            raise ConfigError(f"encoder.path: {path!r} has no fast tokenizer; character offsets need one")
        return cls(tokenizer, longest=min(max_length, encoder_limit(tokenizer, config)), max_length=max_length)

    def encode(self, sentences: Sequence[Sentence]) -> list[EncodedSentence]:
        """Tokenise whole sentences, never truncated."""
        if not sentences:
            return []
        short = [place for place, sentence in enumerate(sentences) if len(sentence.text) <= _STRETCH]
        encoded: dict[int, EncodedSentence] = {}
        if short:
            tokenised = self._tokenised([sentences[place].text for place in short])
            for number, place in enumerate(short):
                pieces = np.asarray(tokenised["input_ids"][number], dtype=np.int32)
                word_ids = partial(tokenised.word_ids, number)
                encoded[place] = self._encoded(sentences[place], pieces, _offsets(tokenised, number), word_ids)
        for place, sentence in enumerate(sentences):
            if place not in encoded:
                encoded[place] = self._in_stretches(sentence)
        return [encoded[place] for place in range(len(sentences))]

    def _tokenised(self, texts: list[str]) -> Any:
        return self._tokenizer(
            texts,
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            return_offsets_mapping=True,
            truncation=False,
            verbose=False,
        )

    def _encoded(
        self,
        sentence: Sentence,
        pieces: np.ndarray[Any, Any],
        offsets: np.ndarray[Any, Any],
        word_ids: Callable[[], Sequence[int | None]],
    ) -> EncodedSentence:
        words = sentence.tokens
        if words is None:
            words = (
                self._raw_words(sentence.text, word_ids, offsets) if self._own_words else word_offsets(sentence.text)
            )
        words, first = one_word_a_piece(words, first_pieces(words, offsets))
        return EncodedSentence(words, pieces, first)

    def _in_stretches(self, sentence: Sentence) -> EncodedSentence:
        """Tokenise a very long text piece by piece; only the piece at a cut can differ from that of the whole."""
        pieces, offsets = [], []
        word_ids: list[int | None] = []
        words_before = 0
        for start, end in _stretches(sentence.text):
            tokenised = self._tokenised([sentence.text[start:end]])
            pieces.append(np.asarray(tokenised["input_ids"][0], dtype=np.int32))
            offsets.append(_offsets(tokenised, 0) + start)
            ids = tokenised.word_ids(0)
            word_ids += [None if word is None else word + words_before for word in ids]
            words_before += 1 + max((word for word in ids if word is not None), default=-1)
        return self._encoded(sentence, np.concatenate(pieces), np.concatenate(offsets), lambda: word_ids)

    @staticmethod
    def _raw_words(
        text: str, word_ids: Callable[[], Sequence[int | None]], offsets: np.ndarray[Any, Any]
    ) -> tuple[tuple[int, int], ...]:
        words: dict[int, tuple[int, int]] = {}
        for word, (start, end) in zip(word_ids(), offsets.tolist(), strict=True):
            if word is not None and start < end:
                words[word] = (words.get(word, (start, end))[0], end)
        ranges = list(words.values())
        ranges.append((len(text), len(text)))
        whole = [(start, _with_marks(text, end, after)) for (start, end), (after, _) in itertools.pairwise(ranges)]
        return tuple(unit for word in whole for unit in _units(text, *word))

    def collate(self, windows: Sequence[Window]) -> Batch:
        """Return ``input_ids`` and ``attention_mask`` (windows, width) and ``positions`` (labelled words,)."""
        before, after = len(self._prefix), len(self._suffix)
        width = max(len(window.pieces) for window in windows) + before + after
        ids = np.full((len(windows), width), self._padding, dtype=np.int64)
        mask = np.zeros((len(windows), width), dtype=np.int64)
        for row, window in enumerate(windows):
            end = before + len(window.pieces)
            ids[row, :before] = self._prefix
            ids[row, before:end] = window.pieces
            ids[row, end : end + after] = self._suffix
            mask[row, : end + after] = 1
        positions = np.concatenate(
            [window.positions.astype(np.int64) + row * width + before for row, window in enumerate(windows)]
        )
        inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        return Batch(inputs, torch.from_numpy(positions))

    def save(self, folder: Path) -> None:
        """Write the tokenizer's files."""
        # Its own name is the place it was loaded from, which for a folder of this machine is nobody's business.
        self._tokenizer.name_or_path = ""
        self._tokenizer.init_kwargs.pop("name_or_path", None)
        self._tokenizer.save_pretrained(folder)


def _offsets(tokenised: Any, number: int) -> np.ndarray[Any, Any]:
    return np.asarray(tokenised["offset_mapping"][number], dtype=np.int64).reshape(-1, 2)


def _with_marks(text: str, end: int, bound: int) -> int:
    """Return the end of a word with the marks that belong to its last letter: an uncased tokenizer strips them.

    :param bound: where the next word begins.
    """
    while end < bound and (text[end] in "\u200c\u200d" or unicodedata.category(text[end])[0] == "M"):
        end += 1
    return end


def _units(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return a WordPiece tokenizer's word, or its units where it is written without blanks.

    Such a word is a run up to the next blank or mark: of Thai or Japanese kana a whole clause, in which no entity
    could be told. (Chinese characters are words of their own in these tokenizers.)
    """
    if end - start == 1 or not any(is_unspaced(char) for char in text[start:end]):
        return [(start, end)]
    return [(start + begin, start + stop) for begin, stop in word_offsets(text[start:end])]


def _stretches(text: str) -> list[tuple[int, int]]:
    """Cut a text into stretches of at most ``_STRETCH`` characters, at blanks, else between words, else anywhere."""
    cuts = [0]
    while len(text) - cuts[-1] > _STRETCH:
        start = cuts[-1]
        window = text[start : start + _STRETCH]
        blank = max(window.rfind(" "), window.rfind("\n"), window.rfind("\t"))
        if blank > _STRETCH // 2:
            cuts.append(start + blank)
            continue
        words = word_offsets(window[-1000:])
        inner = [begin for begin, _ in words[1:]]
        cuts.append(start + len(window) - 1000 + inner[-1] if inner else start + len(window))
    cuts.append(len(text))
    return list(itertools.pairwise(cuts))


def encoder_limit(tokenizer: Any, config: Any) -> int:
    """Return how many pieces an encoder takes, special ones included."""
    limits = []
    if tokenizer.model_max_length and tokenizer.model_max_length < 1_000_000:  # transformers' "unknown" is 1e30
        limits.append(int(tokenizer.model_max_length))
    table = getattr(config, "max_position_embeddings", None)
    if table and table > 0:
        limits.append(int(table) - position_offset(config))
    return min(limits, default=512)


def position_offset(config: Any) -> int:
    """Return how many rows of an encoder's position table hold no position.

    RoBERTa and its kin (XLM-R, MPNet, data2vec, ESM, Longformer …) count positions from the padding id on: a table of
    514 with padding id 1 holds 512. Such a table has a ``padding_idx``, whatever the architecture is called, so the
    model is built without memory and asked.
    """
    try:
        with torch.device("meta"):
            model: Any = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    except (ValueError, ImportError, RuntimeError, AttributeError, TypeError, NotImplementedError):
        # Not to be built from the configuration alone; the families that transformers documents so.
        roberta = config.model_type in (
            "roberta",
            "xlm-roberta",
            "camembert",
            "xlm-roberta-xl",
            "mpnet",
            "data2vec-text",
        )
        return (config.pad_token_id or 0) + 1 if roberta else 0
    for name, module in model.named_modules():
        if name.rpartition(".")[2] == "position_embeddings" and getattr(module, "padding_idx", None) is not None:
            return int(module.padding_idx) + 1
    return 0
