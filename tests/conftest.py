"""Fixtures: tiny random encoders instead of downloads, a fresh cache and tracking store for each test.

Thread counts are set before torch starts: two torch processes with all threads each slow one another down tenfold.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["GOMP_SPINCOUNT"] = "1000"
os.environ.pop("MLFLOW_TRACKING_URI", None)

# Each of pytest-xdist's workers, and whatever it starts, keeps to a core of its own: two tests that train at once on all
# cores take three to six times as long as one after the other.
if (_worker := os.environ.get("PYTEST_XDIST_WORKER")) and hasattr(os, "sched_setaffinity"):
    _cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {_cores[int(_worker.removeprefix("gw")) % len(_cores)]})

import json
import shutil
import signal
import string
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci", deadline=None, derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("ci")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database; making one takes seconds, copying it does not."""
    from harness.tracking.store import Store

    path = tmp_path_factory.mktemp("store") / "empty.db"
    Store(f"sqlite:///{path}").client.search_experiments()
    return path


@pytest.fixture
def tracking(tmp_path: Path, empty_store: Path) -> str:
    """The URI of a fresh tracking store."""
    path = tmp_path / "runs.db"
    shutil.copy(empty_store, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of random weights with a WordPiece vocabulary of single characters: no network, 20 thousand parameters."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-bert")
    characters = string.ascii_lowercase + string.digits + string.punctuation + "äöüéèçıñ阿莫西林片次日"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{char}" for char in characters)]
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(words) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(vocab=str(vocabulary), do_lower_case=True, strip_accents=False, model_max_length=64)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_conll(path: Path, sentences: list[list[tuple[str, str]]]) -> Path:
    """Write token and tag pairs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join("".join(f"{token}\t{tag}\n" for token, tag in sentence) for sentence in sentences)
    path.write_text(text, encoding="utf-8")
    return path


NAMES = ["anna", "bert", "carla", "dora"]
PLACES = ["rome", "oslo", "lima", "kyiv"]


def toy_sentences(count: int, offset: int = 0) -> list[list[tuple[str, str]]]:
    """Sentences a tagger can learn in seconds: 'anna went to rome today .'"""
    made = []
    for number in range(offset, offset + count):
        name, place = NAMES[number % 4], PLACES[number // 4 % 4]
        made.append([(name, "B-PER"), ("went", "O"), ("to", "O"), (place, "B-LOC"), (f"day{number}", "O"), (".", "O")])
    return made


@pytest.fixture
def toy_card(tmp_path: Path) -> Path:
    """A config folder with a data card ``toy``: English source, Swedish and Swahili targets with synthetic data."""
    data = tmp_path / "config" / "data"
    write_conll(data / "en" / "train.conll", toy_sentences(48))
    write_conll(data / "en" / "dev.conll", toy_sentences(12, 100))
    write_conll(data / "en" / "test.conll", toy_sentences(12, 200))
    for language, start in (("sv", 300), ("sw", 400)):
        write_conll(data / language / "test.conll", toy_sentences(10, start))
        write_conll(data / language / "dev.conll", toy_sentences(6, start + 20))
        write_conll(data / language / "train.conll", toy_sentences(16, start + 30))
        lines = []
        for number, sentence in enumerate(toy_sentences(30, start + 50)):
            tokens, tags = zip(*sentence, strict=True)
            lines.append(json.dumps({"id": str(number), "tokens": tokens, "ner_tags": tags}))
        # 'translations': the same words in another order, so that links cross.
        for name, count, offset in (("train.txt", 48, 0), ("test.en.txt", 10, start)):
            translated = [[token for token, _ in sentence] for sentence in toy_sentences(count, offset)]
            turned = [[*words[3:5], *words[:3], words[5]] for words in translated]
            (data / language / name).write_text("".join(" ".join(words) + "\n" for words in turned), encoding="utf-8")
        (data / language / "synthetic.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (data / "toy.yaml").write_text(
        """
name: toy
labels: [PER, LOC]
source:
  language: en
  train: {path: en/train.conll, format: conll}
  dev: {path: en/dev.conll, format: conll}
  test: {path: en/test.conll, format: conll}
targets:
  sv:
    test: {path: sv/test.conll, format: conll}
    dev: {path: sv/dev.conll, format: conll}
    train: {path: sv/train.conll, format: conll}
    synthetic: {path: sv/synthetic.jsonl, format: jsonl}
    translated_train: {path: sv/train.txt, format: lines}
    translated_test: {path: sv/test.en.txt, format: lines}
  swa:
    test: {path: sw/test.conll, format: conll}
    train: {path: sw/train.conll, format: conll}
    synthetic: {path: sw/synthetic.jsonl, format: jsonl}
expected: {en.train: {sentences: 48, entities: 96}}
""",
        encoding="utf-8",
    )
    return tmp_path / "config"


def interruptible(*arguments: Any, **settings: Any) -> "subprocess.Popen[str]":
    """Start a program that hears Ctrl-C even where the tests run in the background, which ignores it for all children."""
    return subprocess.Popen(
        *arguments, **settings, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
    )


QUICK = [
    "encoder.filters=8", "encoder.hidden_units=8", "encoder.byte_dimensions=8", "tracking.system_metrics=false", "aligner=hmm",
]  # fmt: skip
"""A char-bilstm small enough for a test, and an aligner that loads no encoder."""


@pytest.fixture
def serve() -> Iterator[object]:
    """Start servers that answer like a model, with faults in the order given."""
    import threading

    from tests.synthesis.generate_cases import FaultyServer

    running: list[FaultyServer] = []

    def start(*faults: str, answers: list[str] | None = None) -> tuple[FaultyServer, str]:
        server = FaultyServer(faults, answers)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return server, f"http://127.0.0.1:{server.server_port}/v1"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()
