"""One contract for every translator, and what each does on its own."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from harness.config import TranslatorCard
from harness.machine.store import DiskRows, MemoryRows
from harness.transfer.translate.codes import code_candidates
from harness.transfer.translate.contract import PartlyAnswered, Translation, Translator
from harness.transfer.translate.open import open_translator
from harness.transfer.translate.parts import split_text, translate_in_parts
from harness.transfer.translate.seq2seq import Seq2SeqCodec
from harness.transfer.translate.texts import translate_texts
from harness.values.errors import ConfigError, DataError, DependencyError, HarnessError, UsageError

TEXTS = [
    "Anna went to Rome today .", "", "Rome", " ".join(["tablet"] * 2000), "the doctor 😀 gave paracetamol",
    "مرحبا بالعالم", "...!?", "a [marked] text with <a>marks</a> and [brackets", "Anna went to Rome today .",
]  # fmt: skip
"""Ordinary, empty, one word, 2,000 words, emoji, right-to-left, punctuation alone, marks in the text, a repetition."""

KINDS = ["file", "apertium", "marian", "nllb", "m2m", "ctranslate2", "chat"]


class Server(BaseHTTPRequestHandler):
    """A chat server in the OpenAI format that answers in capitals; every second request fails at first."""

    seen = 0

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).seen += 1
        if self.seen % 2 == 1 and self.seen < 6:
            self.send_response(429)
            self.send_header("Retry-After", "0")
            self.end_headers()
            return
        text = body["messages"][1]["content"].upper()
        answer = {
            "id": "x", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        }  # fmt: skip
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def chat_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def tiny_ct2(tiny_nllb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("ctranslate2", reason="pip install 'harness[ctranslate2]'")
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
        pytest.importorskip("openai", reason="pip install 'harness[llm]'")
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


@pytest.mark.parametrize("translator", KINDS, indirect=True)
def test_every_translator_keeps_order_count_and_empty_sentences(translator: Translator) -> None:
    found, notes = translate_texts(translator, TEXTS, DiskRows("translations"))
    assert len(found) == len(TEXTS)
    assert found[1] == ""
    assert found[0] == found[8], "the same text has the same translation"
    assert all("\n" not in text for text in found)
    assert translate_texts(translator, TEXTS, DiskRows("translations"))[0] == found, (
        "a second call reads what the first kept"
    )
    assert notes == translate_texts(translator, TEXTS, DiskRows("translations"))[1]
    # Another order and company, same translations: nothing of one sentence leaks into another.
    assert translate_texts(translator, TEXTS[::-1], DiskRows("translations"))[0] == found[::-1]


class Reversing:
    """A translator that can be killed after some batches."""

    batch_size = 2
    by_text = False

    def __init__(self, batches: int | None = None) -> None:
        self.left = batches
        self.asked: list[str] = []

    @property
    def identity(self) -> dict[str, object]:
        return {"kind": "reversing"}

    def translate(self, texts: list[str]) -> list[Translation]:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left = None if self.left is None else self.left - 1
        self.asked += texts
        return [Translation(text[::-1], "cut" if text == "ccc" else "") for text in texts]


def test_a_killed_translation_goes_on_and_redoes_at_most_one_batch() -> None:
    texts = ["a", "bb", "ccc", "dddd", "eeeee", "bb", ""]
    first = Reversing(batches=1)
    with pytest.raises(KeyboardInterrupt):
        translate_texts(first, texts, DiskRows("translations"))
    second = Reversing()
    found = translate_texts(second, texts, DiskRows("translations"))
    assert found == (["a", "bb", "ccc", "dddd", "eeeee", "bb", ""], {"cut": 1})
    assert len(first.asked) == 2
    assert sorted(first.asked + second.asked) == sorted({*texts} - {""})


class Counting(Reversing):
    """A translator that numbers its answers, as a sampling server would; texts do not bear on each other."""

    by_text = True
    count = 0

    def translate(self, texts: list[str]) -> list[Translation]:
        self.asked += texts
        Counting.count += len(texts)
        return [Translation(f"{text} {Counting.count}") for text in texts]


def test_what_is_stored_is_asked_once_and_is_what_is_written() -> None:
    first, _ = translate_texts(Counting(), ["a", "b", "c"], DiskRows("translations"))
    server = Counting()
    found, _ = translate_texts(server, ["b", "d", "a"], DiskRows("translations"))
    assert server.asked == ["d"]
    assert (found[0], found[2]) == (first[1], first[0])

    class Network(Counting):
        by_text = False  # its batches are repeated whole, but what was stored stays

    network = Network()
    again, _ = translate_texts(network, ["b", "e"], DiskRows("translations"))
    assert network.asked == ["b", "e"] and again[0] == found[0]


def test_a_folder_named_for_a_card_of_many_models_is_the_one_used(tmp_path: Path) -> None:
    from harness.transfer.translate.seq2seq import model_place

    card = TranslatorCard(name="opus", kind="seq2seq", pairs={"en-es": "hub/model"})
    assert model_place(card, "en", "es", tmp_path) == "hub/model"
    assert model_place(card.model_copy(update={"path": "/mine"}), "en", "es", tmp_path) == "/mine"


def test_restricted_text_is_kept_in_memory_only(tmp_path: Path) -> None:
    translate_texts(Reversing(), ["secret"], MemoryRows())
    assert not list(tmp_path.rglob("*.sqlite"))
    translate_texts(Reversing(), ["open"], DiskRows("translations"))
    assert list(tmp_path.rglob("*.sqlite"))


def test_a_translator_that_answers_another_number_is_an_error() -> None:
    class Short(Reversing):
        def translate(self, texts: list[str]) -> list[Translation]:
            return []

    with pytest.raises(DataError, match="answered 0 of 2"):
        translate_texts(Short(), ["a", "b"], DiskRows("translations"))


def test_apertium_translates_and_names_the_package_of_a_missing_pair(tmp_path: Path) -> None:
    if not shutil.which("apertium"):
        pytest.skip("apt-get install apertium apertium-eng-spa")
    card = TranslatorCard(name="apertium", kind="apertium")
    translator = open_translator(card, "en", "es", tmp_path)
    found, _ = translate_texts(translator, ["The doctor lives in [London]", "Hello world"], DiskRows("translations"))
    assert found == ["El doctor vive en [Londres]", "Hola mundo"] or found[0].endswith("[Londres]")
    with pytest.raises(UsageError, match=r"no mode eng-yor.*apt-get install apertium-eng-yor"):
        open_translator(card, "en", "yo", tmp_path)


def test_a_missing_program_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DependencyError, match="apt-get install apertium"):
        open_translator(TranslatorCard(name="apertium", kind="apertium"), "en", "es", tmp_path)


def test_file_translations_name_the_first_missing_text(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("one\tuno\n", encoding="utf-8")
    card = TranslatorCard(name="file", kind="file", path="t.tsv")
    translator = open_translator(card, "en", "es", tmp_path)
    with pytest.raises(DataError, match="no translation of 1 texts, the first of 3 characters"):
        translate_texts(translator, ["one", "two"], DiskRows("translations"))
    (tmp_path / "t.tsv").write_text("no tab here\n", encoding="utf-8")
    with pytest.raises(DataError, match="t.tsv:1: found no tab"):
        open_translator(card, "en", "es", tmp_path)


def test_a_long_text_is_translated_in_parts_and_counted(tiny_marian: Path, tmp_path: Path) -> None:
    card = TranslatorCard(name="m", kind="seq2seq", path=str(tiny_marian), max_new_tokens=4, beams=1)
    _, notes = translate_texts(
        open_translator(card, "en", "es", tmp_path), ["tablet " * 200, "Rome"], DiskRows("translations")
    )
    assert sum(notes.values()) >= 1
    assert set(notes) <= {"parts", "cut", "empty_answer"}


def test_parts_cut_at_the_best_break_and_lose_no_character() -> None:
    text = "One two three. Four five, six seven eight nine"
    parts = split_text(text, lambda part: len(part) <= 20)
    assert parts[0] == "One two three."
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert split_text("The dose was 3.14159 mg", lambda part: len(part) < 15) == ["The dose was", "3.14159 mg"]
    assert "".join(split_text("x" * 99, lambda part: len(part) <= 10)) == "x" * 99
    made = translate_in_parts(
        ["a b c d", "e"], lambda part: len(part) <= 3, lambda parts: [Translation(p.upper()) for p in parts]
    )
    assert made == [Translation("A B C D", "parts"), Translation("E")]


def test_an_ordinary_piece_is_no_language_code_and_marks_in_the_text_are_text(tiny_m2m: Path, tmp_path: Path) -> None:
    folder = tmp_path / "m2m"
    shutil.copytree(tiny_m2m, folder)
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    vocabulary |= {name: len(vocabulary) + number for number, name in enumerate(("es", "en"))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    codec = Seq2SeqCodec(TranslatorCard(name="m", kind="seq2seq", path=str(folder)), str(folder), "en", "es")
    assert codec.first_name == "__es__"
    ids = codec.encode("take </s> one <pad> tablet")
    assert ids.count(2) == 1 and 1 not in ids


def test_marian_models_of_several_languages_are_told_which(tiny_marian: Path, tmp_path: Path) -> None:
    folder = tmp_path / "marian"
    shutil.copytree(tiny_marian, folder)
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    vocabulary |= {name: len(vocabulary) + number for number, name in enumerate((">>ara<<", ">>cmn_Hans<<"))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    card = TranslatorCard(name="m", kind="seq2seq", path=str(folder))
    for target, mark in (("ar", ">>ara<<"), ("zh", ">>cmn_Hans<<")):
        codec = Seq2SeqCodec(card, str(folder), "en", target)
        assert vocabulary[mark] in codec.encode("take one")
    with pytest.raises(UsageError, match="knows no target language sw"):
        Seq2SeqCodec(card, str(folder), "en", "sw")


def test_a_local_model_that_changed_is_another_model(tiny_marian: Path, tmp_path: Path) -> None:
    folder = tmp_path / "marian"
    shutil.copytree(tiny_marian, folder)
    card = TranslatorCard(name="m", kind="seq2seq", path=str(folder))
    before = open_translator(card, "en", "es", tmp_path).identity
    (folder / "generation_config.json").write_text("{}", encoding="utf-8")
    assert open_translator(card, "en", "es", tmp_path).identity != before


def test_a_translation_cut_at_the_limit_is_counted_where_the_end_is_forced(tiny_marian: Path, tmp_path: Path) -> None:
    card = TranslatorCard(name="m", kind="seq2seq", path=str(tiny_marian), max_new_tokens=5, beams=1)
    _, notes = translate_texts(
        open_translator(card, "en", "es", tmp_path), ["take one tablet twice a day"], DiskRows("translations")
    )
    assert notes == {"cut": 1}


def test_language_codes_of_the_models(tiny_nllb: Path, tmp_path: Path) -> None:
    assert code_candidates("sw")[0] == "swh_Latn"
    assert code_candidates("zh")[0] == "zho_Hans"
    assert code_candidates("yo")[0] == "yor_Latn"
    assert "ar" in code_candidates("ar") and code_candidates("ar")[0] == "arb_Arab"
    card = TranslatorCard(name="n", kind="seq2seq", path=str(tiny_nllb))
    with pytest.raises(UsageError, match="knows no language code"):
        open_translator(card, "en", "tlh", tmp_path)


def test_a_model_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    card = TranslatorCard(name="o", kind="seq2seq", pairs={"en-fr": "a/b"})
    with pytest.raises(UsageError, match=r"no model for en-es; known pairs: en-fr"):
        open_translator(card, "en", "es", tmp_path)
    with pytest.raises(ConfigError, match=r"translator\.path: 'nobody/nothing' cannot be loaded"):
        open_translator(TranslatorCard(name="o", kind="seq2seq", path="nobody/nothing"), "en", "es", tmp_path)


def test_a_chat_server_that_refuses_is_one_sentence_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai", reason="pip install 'harness[llm]'")
    import harness.transfer.translate.chat as chat

    monkeypatch.setattr(chat, "RETRIES", 0)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    card = TranslatorCard(name="chat", kind="chat", model="m", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(HarnessError, match="repeat the command to go on") as caught:
        translate_texts(open_translator(card, "en", "es", Path()), ["a"], DiskRows("translations"))
    assert "sk-secret" not in str(caught.value)
    assert not card.leaves_machine
    assert TranslatorCard(name="c", kind="chat", model="m").leaves_machine
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UsageError, match="OPENAI_API_KEY holds no key"):
        open_translator(TranslatorCard(name="c", kind="chat", model="m"), "en", "es", Path())


class Failing:
    """A paid translator that refuses one text of a batch."""

    by_text = True
    batch_size = 4
    identity: ClassVar[dict[str, object]] = {"kind": "failing"}

    def __init__(self) -> None:
        self.asked: list[str] = []

    def translate(self, texts: Sequence[str]) -> list[Translation]:
        self.asked += texts
        if "c" in texts:
            raise PartlyAnswered("refused", {text: Translation(text.upper()) for text in texts if text != "c"})
        return [Translation(text.upper()) for text in texts]


@pytest.mark.parametrize("disk", [True, False])
def test_what_was_answered_before_a_fault_is_not_paid_for_twice(disk: bool, tmp_path: Path) -> None:
    rows = DiskRows("t", tmp_path / "t.sqlite") if disk else MemoryRows()
    advice = "what is translated is kept, repeat" if disk else "nothing is kept of a restricted text"
    translator = Failing()
    with pytest.raises(HarnessError, match=advice):
        translate_texts(translator, ["a", "b", "c", "d"], rows)
    with pytest.raises(HarnessError):
        translate_texts(translator, ["a", "b", "c", "d"], rows)
    assert translator.asked == ["a", "b", "c", "d", "c"]
