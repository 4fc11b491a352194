"""A pretrained transformer with transformers' own token-classification head, and its tokenizer.

Using the library's head for each architecture keeps the export a plain Hugging Face folder. The logits are taken at the
first pieces of the labelled words.
"""

import json
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer

from harness.errors import ConfigError, loading_error
from harness.languages import word_offsets
from harness.model.encoders import Batch, Network
from harness.model.encoding import EncodedSentence, Window, first_pieces
from harness.records import Sentence

_LOADING = (OSError, ValueError, ImportError, RuntimeError, HfHubHTTPError, HFValidationError)

_POSITION_OFFSET = 2
"""RoBERTa's position ids start after the padding id: a table of 514 holds 512 positions."""


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
        except _LOADING as error:
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
        except _LOADING as error:
            raise loading_error(str(folder), error) from error
        return cls(model)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits of the labelled words, shape (labelled words, tags)."""
        output = self.model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        logits: Tensor = output.logits  # (batch, pieces, tags)
        return logits.flatten(0, 1)[batch["positions"]]  # (labelled words, tags)

    def encoder_parameters(self) -> int:
        """Return the number of parameters of the encoder without the head."""
        return sum(parameter.numel() for parameter in self.model.base_model.parameters())

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
        """Write ``config.json`` and ``model.safetensors``."""
        self.model.save_pretrained(folder)


class TransformerCoder:
    """A fast tokenizer of transformers, used on raw text with offsets.

    Words of raw text: with a WordPiece tokenizer its own pre-tokens, so that ``pipeline("token-classification",
    aggregation_strategy="first")`` groups the same way; with others :func:`harness.languages.word_offsets`, because
    their words end at blanks only and would keep a comma in the entity.
    """

    def __init__(self, tokenizer: Any, *, longest: int, max_length: int) -> None:
        self._tokenizer = tokenizer
        self.max_length = max_length
        probe, core = tokenizer("a")["input_ids"], tokenizer("a", add_special_tokens=False)["input_ids"]
        start = next(index for index in range(len(probe)) if probe[index : index + len(core)] == core)
        self._prefix, self._suffix = probe[:start], probe[start + len(core) :]
        self.longest = longest - len(self._prefix) - len(self._suffix)
        self._padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        serialised = json.loads(tokenizer.backend_tokenizer.to_str())
        serialised.pop("padding", None)  # set as a side effect of calls, without bearing on what we read
        serialised.pop("truncation", None)
        self._own_words = bool(serialised["model"].get("continuing_subword_prefix"))
        text = json.dumps(serialised, sort_keys=True)
        self.identity = "transformer/" + blake2b(text.encode(), digest_size=16).hexdigest()

    @classmethod
    def pretrained(cls, path: str, revision: str | None, *, max_length: int, config: Any) -> "TransformerCoder":
        """Load the tokenizer of an encoder.

        :raises ConfigError: it cannot be loaded, or has no fast version (offsets are needed).
        """
        try:
            tokenizer = AutoTokenizer.from_pretrained(path, revision=revision, trust_remote_code=False)
        except _LOADING as error:
            raise loading_error(path, error) from error
        if not getattr(tokenizer, "is_fast", False):
            raise ConfigError(f"encoder.path: {path!r} has no fast tokenizer; character offsets need one")
        return cls(tokenizer, longest=min(max_length, encoder_limit(tokenizer, config)), max_length=max_length)

    def encode(self, sentences: Sequence[Sentence]) -> list[EncodedSentence]:
        """Tokenise whole sentences, never truncated."""
        if not sentences:
            return []
        found = self._tokenizer(
            [sentence.text for sentence in sentences],
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            return_offsets_mapping=True,
            truncation=False,
            verbose=False,
        )
        encoded = []
        for index, sentence in enumerate(sentences):
            offsets = np.asarray(found["offset_mapping"][index], dtype=np.int64).reshape(-1, 2)
            words = sentence.tokens
            if words is None:
                words = self._raw_words(sentence.text, found.word_ids(index), offsets)
            pieces = np.asarray(found["input_ids"][index], dtype=np.int32)
            encoded.append(EncodedSentence(words, pieces, first_pieces(words, offsets)))
        return encoded

    def _raw_words(
        self, text: str, word_ids: Sequence[int | None], offsets: np.ndarray[Any, Any]
    ) -> tuple[tuple[int, int], ...]:
        if not self._own_words:
            return word_offsets(text)
        words: dict[int, tuple[int, int]] = {}
        for word, (start, end) in zip(word_ids, offsets.tolist(), strict=True):
            if word is not None and start < end:
                words[word] = (words.get(word, (start, end))[0], end)
        return tuple(words.values())

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
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
            "positions": torch.from_numpy(positions),
        }

    def save(self, folder: Path) -> None:
        """Write the tokenizer's files."""
        self._tokenizer.save_pretrained(folder)


def encoder_limit(tokenizer: Any, config: Any) -> int:
    """Return how many pieces an encoder takes, special ones included."""
    limits = []
    if tokenizer.model_max_length and tokenizer.model_max_length < 1_000_000:  # transformers' "unknown" is 1e30
        limits.append(int(tokenizer.model_max_length))
    table = getattr(config, "max_position_embeddings", None)
    if table and table > 0:
        roberta = config.model_type in ("roberta", "xlm-roberta", "camembert", "xlm-roberta-xl")
        limits.append(int(table) - (_POSITION_OFFSET if roberta else 0))
    return min(limits, default=512)
