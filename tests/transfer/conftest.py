"""Translation models of random weights in the real formats: they say nothing sensible, and run the whole path."""

import io
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.config import AlignerCard, TranslatorCard
from harness.transfer.align.contract import Aligner
from harness.transfer.align.file import pharaoh_text
from harness.transfer.align.open import open_aligner
from harness.transfer.translate.contract import Translator
from harness.transfer.translate.open import open_translator
from tests.transfer.align_cases import PAIRS, has_eflomal
from tests.transfer.translate_cases import TEXTS, Server

LINES = ["Anna went to Rome today .", "take one tablet twice a day", "the doctor gave paracetamol 500 mg"] * 20


def train_pieces(path: Path) -> list[str]:
    """Train a small SentencePiece model and return its pieces."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=model, vocab_size=80, hard_vocab_limit=False, minloglevel=2,
        model_type="bpe",
    )  # fmt: skip
    path.write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return [processor.id_to_piece(number) for number in range(len(processor))]


SIZES = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
         "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "d_model": 32}  # fmt: skip


@pytest.fixture(scope="session")
def tiny_marian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Marian model (Opus-MT's architecture and files) that reads at most 64 pieces."""
    import torch
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer

    folder = tmp_path_factory.mktemp("marian")
    pieces = train_pieces(folder / "source.spm")
    train_pieces(folder / "target.spm")
    own = [piece for piece in pieces if piece not in ("<unk>", "<s>", "</s>")]
    vocabulary = {piece: number for number, piece in enumerate(["</s>", "<unk>", *own, "<pad>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    tokenizer = MarianTokenizer(
        source_spm=str(folder / "source.spm"), target_spm=str(folder / "target.spm"), vocab=str(folder / "vocab.json"),
        model_max_length=64,
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    padding = vocabulary["<pad>"]
    config = MarianConfig(
        **SIZES, vocab_size=len(vocabulary), max_position_embeddings=64, pad_token_id=padding, eos_token_id=0,
        decoder_start_token_id=padding, forced_eos_token_id=0,
    )  # fmt: skip
    MarianMTModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_nllb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An NLLB-200 model: the architecture of M2M100, FLORES codes."""
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    folder = tmp_path_factory.mktemp("nllb")
    pieces = train_pieces(folder / "spm.model")
    characters = ["▁", *sorted({char for piece in pieces for char in piece if char != "▁"})]
    vocabulary = {piece: number for number, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", *characters])}
    tokenizer = NllbTokenizer(vocab=vocabulary, merges=[], model_max_length=64)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = M2M100Config(
        **SIZES, vocab_size=len(tokenizer), max_position_embeddings=64, pad_token_id=1, eos_token_id=2, bos_token_id=0,
        decoder_start_token_id=2,
    )  # fmt: skip
    M2M100ForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_m2m(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An M2M100 model with its own tokenizer and ``__es__`` codes."""
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer

    folder = tmp_path_factory.mktemp("m2m")
    pieces = train_pieces(folder / "sentencepiece.bpe.model")
    vocabulary = {
        piece: number for number, piece in enumerate(dict.fromkeys(["<s>", "<pad>", "</s>", "<unk>", *pieces]))
    }
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    tokenizer = M2M100Tokenizer(
        str(folder / "vocab.json"), str(folder / "sentencepiece.bpe.model"), model_max_length=64
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = M2M100Config(
        **SIZES, vocab_size=len(vocabulary) + 110, max_position_embeddings=64, pad_token_id=1, eos_token_id=2,
        bos_token_id=0, decoder_start_token_id=2,
    )  # fmt: skip
    M2M100ForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.fixture
def aligner(request: pytest.FixtureRequest, tmp_path: Path) -> Aligner:
    kind = request.param
    if kind == "eflomal" and not has_eflomal():
        pytest.skip("pip install eflomal")
    if kind == "file":
        (tmp_path / "links").write_text(
            pharaoh_text([{(0, 0): 1.0} if p.source and p.target else {} for p in PAIRS]), encoding="utf-8"
        )
        return open_aligner(AlignerCard(name="file", kind="file", path="links"), tmp_path)
    if kind in ("argmax", "itermax", "match", "softmax"):
        path = str(request.getfixturevalue("tiny_bert"))
        card = AlignerCard(name=kind, kind="embedding", path=path, layer=1, extract=kind, batch_size=2)
        return open_aligner(card, tmp_path)
    if kind == "joint":
        path = str(request.getfixturevalue("tiny_bert"))
        return open_aligner(AlignerCard(name=kind, kind=kind, path=path, layers=(1, 2)), tmp_path)
    return open_aligner(AlignerCard(name=kind, kind=kind, prefix=4), tmp_path)


@pytest.fixture
def chat_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def tiny_ct2(tiny_nllb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("ctranslate2", reason="pip install 'ctranslate2>=4.6'")
    folder = tmp_path_factory.mktemp("ct2") / "model"
    code = (
        "import sys; from ctranslate2.converters import TransformersConverter as C;"
        "C(sys.argv[1]).convert(sys.argv[2], force=True)"
    )
    subprocess.run([sys.executable, "-c", code, str(tiny_nllb), str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture
def translator(request: pytest.FixtureRequest, tmp_path: Path) -> Translator:
    kind = request.param
    short = {"max_new_tokens": 8, "beams": 2, "batch_size": 3}
    if kind == "file":
        path = tmp_path / "known.tsv"
        path.write_text("".join(f"{text}\t{text[::-1]}\n" for text in TEXTS if text), encoding="utf-8")
        card = TranslatorCard(name="file", kind="file", path=str(path))
    elif kind == "apertium":
        if not shutil.which("apertium"):
            pytest.skip("apt-get install apertium apertium-eng-spa")
        card = TranslatorCard(name="apertium", kind="apertium", batch_size=3)
    elif kind == "chat":
        pytest.importorskip("openai", reason="pip install 'openai>=2.0'")
        url = request.getfixturevalue("chat_url")
        card = TranslatorCard(name="chat", kind="chat", model="m", base_url=url, batch_size=3)
    elif kind == "ctranslate2":
        folder = request.getfixturevalue("tiny_ct2")
        tokenizer = str(request.getfixturevalue("tiny_nllb"))
        card = TranslatorCard(name="ct2", kind="ctranslate2", path=str(folder), tokenizer=tokenizer, **short)
    else:
        path = request.getfixturevalue(f"tiny_{kind}")
        card = TranslatorCard(name=kind, kind="seq2seq", path=str(path), **short)
    return open_translator(card, "en", "es", tmp_path)
