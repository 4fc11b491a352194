"""Generation against a real server on loopback with faults, resumption, budgets, batch files, and the command line."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.answers.files import Account as ItemAccount
from harness.answers.files import read_answers
from harness.config import compose_config
from harness.config.synthesis import SynthesisCard
from harness.report.quality_page import quality_page
from harness.synthesis.answers import Answer, AnswerStore
from harness.synthesis.card import card_path, label_distance, quality_card, read_card
from harness.synthesis.client import ask_all
from harness.synthesis.prompts import Call, calls
from harness.values.errors import ConfigError, DataError, HarnessError
from harness.workflows.synthesise import batch_requests, generate, page_of, planned_calls, surroundings
from tests.conftest import QUICK, interruptible
from tests.test_cli import harness

openai = pytest.importorskip("openai", reason="pip install 'harness[llm]'")

NAMES, PLACES = ["Anna", "Berit", "Carl", "Doris", "Erik"], ["Malmö", "Lund", "Oslo", "Kiruna", "Visby"]
STORIES = ["reste till", "skrev en bok om", "köpte ett gammalt hus i", "spelade fotboll i", "föddes en kall vinter i",
           "drömmer om att flytta till", "har aldrig varit i"]  # fmt: skip


def answer_for(number: int) -> str:
    """An answer of three sentences that no other number gives."""
    items = []
    for k in range(3):
        name, place = NAMES[(number + k) % 5], PLACES[(number * 2 + k) % 5]
        text = f"{name} {STORIES[(number + 3 * k) % 7]} {place} år {1900 + 7 * number + k} ."
        items.append({"text": text, "entities": [{"text": name, "label": "PER"}, {"text": place, "label": "LOC"}]})
    return json.dumps({"sentences": items}, ensure_ascii=False)


class FaultyServer(ThreadingHTTPServer):
    """Answers in the OpenAI format; each distinct prompt meets one fault first."""

    daemon_threads = True

    def __init__(self, faults: tuple[str, ...] = (), answers: list[str] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults, self.answers = faults, answers
        self.seen: dict[str, int] = {}
        self.served: Counter[str] = Counter()
        self.lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    server: FaultyServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["messages"][-1]["content"]
        server = self.server
        with server.lock:
            number = list(server.seen).index(prompt) if prompt in server.seen else len(server.seen)
            first = prompt not in server.seen
            server.seen[prompt] = server.seen.get(prompt, 0) + 1
        faults = [one for one in server.faults if one not in ("no_usage", "half_a_second")]
        fault = faults[number % len(faults)] if first and faults else ""
        if "response_format" in body and "no_schema" in server.faults:
            return self.reply(400, {"error": {"message": "response_format is not supported"}})
        if fault == "429":
            return self.reply(429, {"error": {"message": "slow down"}}, {"Retry-After": "0"})
        if fault == "500":
            return self.reply(500, {"error": {"message": "oops"}})
        if fault == "cut":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            self.connection.close()
            return None
        if fault == "slow":
            time.sleep(1.5)
        if "half_a_second" in server.faults:
            time.sleep(0.5)
        if fault == "not_json":
            return self.raw(200, b"<html>it is not JSON</html>", "application/json")
        server.served[prompt] += 1
        text = server.answers[number % len(server.answers)] if server.answers else answer_for(number)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = (
            None
            if "no_usage" in server.faults
            else {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
        )
        return self.reply(
            200,
            {"id": "x", "object": "chat.completion", "created": 0, "model": "m-1", "choices": [choice], "usage": usage},
        )

    def reply(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        self.raw(status, json.dumps(value).encode(), "application/json", headers)

    def raw(self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, text in {**(headers or {}), "Content-Type": kind, "Content-Length": str(len(data))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[object]:
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


def configured(folder: Path, url: str, *more: str) -> object:
    return compose_config(
        ["data=toy", "synthesis=general", "synthesis.model=m", f"synthesis.base_url={url}", "synthesis.timeout_seconds=1",
         "synthesis.retries=3", *more], folder)  # fmt: skip


def test_every_fault_is_met_and_every_answer_arrives_once(toy_card: Path, tmp_path: Path, serve) -> None:  # type: ignore[no-untyped-def]
    server, url = serve("429", "500", "cut", "slow", "not_json", "", "no_schema")
    config = configured(toy_card, url)
    output = tmp_path / "sv.jsonl"
    made, outcome = generate(config, "sv", 12, output)
    assert (outcome.asked, outcome.failed, outcome.stopped) == (12, 0, "")
    stored = [json.loads(line) for line in (tmp_path / "sv.answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({one["key"] for one in stored}) == len(stored) == 12
    account = made.account
    assert account["answers"] == 12 and account["items"] == account["parsed"] == 36
    assert account["parsed"] == account["kept"] + sum(account.reasons("filtered").values())
    assert len(output.read_text(encoding="utf-8").splitlines()) == account["kept"] > 20
    card = read_card(output)
    assert card["cost"]["calls"] == 12 and card["cost"]["answer_tokens"] == 600
    assert card["origin"]["model"] == "m-1" and card["sha256"]
    # Once more: nothing is asked, the result is the same.
    before = sum(server.seen.values())
    again, outcome = generate(config, "sv", 12, output)
    assert (outcome.asked, outcome.known, sum(server.seen.values())) == (0, 12, before)
    assert again.sentences == made.sentences
    # More calls: only the new ones.
    _, outcome = generate(config, "sv", 14, output)
    assert (outcome.asked, outcome.known) == (2, 12)


def test_a_killed_generation_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    class Engine:
        asked: list[str] = []  # noqa: RUF012

        def ask(self, call: Call) -> Answer:
            if len(self.asked) == 3:
                raise KeyboardInterrupt
            self.asked.append(call.key)
            return Answer(call.key, "{}", "stop", 1, 1, "m")

    wanted = [Call(str(number), (), {}) for number in range(8)]
    card = SynthesisCard(name="x", concurrency=1)
    store = AnswerStore(tmp_path / "a.jsonl")
    with pytest.raises(KeyboardInterrupt):
        ask_all(Engine(), wanted, store, card)
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(b'{"key": "7", "te')  # the line a kill cut off
    later = AnswerStore(tmp_path / "a.jsonl")
    assert sorted(later.answers) == ["0", "1", "2"]
    Engine.asked = Engine.asked[:0] + ["x"] * 4
    outcome = ask_all(Engine(), wanted, later, card)
    assert (outcome.asked, outcome.known) == (5, 3)
    assert Engine.asked[4:] == ["3", "4", "5", "6", "7"]
    assert len(AnswerStore(tmp_path / "a.jsonl").answers) == 8


@pytest.mark.parametrize("concurrency", [1, 3])
def test_the_budget_is_overrun_by_no_more_than_the_calls_under_way(
    toy_card: Path, tmp_path: Path, serve, concurrency: int
) -> None:  # type: ignore[no-untyped-def]
    server, url = serve()
    config = configured(toy_card, url, "synthesis.budget_tokens=600", f"synthesis.concurrency={concurrency}")
    _, outcome = generate(config, "sv", 50, tmp_path / "sv.jsonl")
    assert "budget_tokens=600 is used up" in outcome.stopped
    assert 4 <= sum(server.served.values()) <= 4 + concurrency - 1  # 150 tokens a call
    money = configured(toy_card, url, "synthesis.budget_money=0.0003", "synthesis.price_prompt=1", "synthesis.price_answer=1",
                       "synthesis.concurrency=1")  # fmt: skip
    _, outcome = generate(money, "sv", 50, tmp_path / "other.jsonl")
    assert "budget_money" in outcome.stopped and outcome.asked == 2


def test_a_server_that_only_fails_stops_the_run_and_keeps_what_there_is(toy_card: Path, tmp_path: Path) -> None:
    config = configured(toy_card, "http://127.0.0.1:9/v1", "synthesis.retries=0", "synthesis.concurrency=2")
    made, outcome = generate(config, "sv", 40, tmp_path / "sv.jsonl")
    assert "calls failed one after the other" in outcome.stopped
    assert outcome.failed <= 7
    assert not made.sentences and not (tmp_path / "sv.jsonl").exists()


def test_rubbish_ends_with_clear_accounts_no_corpus_and_exit_code_1(toy_card: Path, tmp_path: Path, serve) -> None:  # type: ignore[no-untyped-def]
    _, url = serve(answers=["asdf ;;; qwer", "{]", ""])
    done = harness(
        "synthesize", "generate", "--language", "sv", "-o", "sv.jsonl", "--data", "toy", "--config-dir", str(toy_card),
        "--calls", "3", "synthesis=general", "synthesis.model=m", f"synthesis.base_url={url}", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "no sentence is left of 0 items in 3 answers; no corpus is written" in done.stderr
    value = json.loads(done.stdout.splitlines()[-1])
    assert (value["answers"], value["answers_without_items"], value["items"], value["kept"]) == (3, 3, 0, 0)
    assert not (tmp_path / "sv.jsonl").exists()
    assert (tmp_path / "sv.answers.jsonl").exists()


def test_batch_files_are_written_and_collected(toy_card: Path, tmp_path: Path) -> None:
    common = ("synthesize", "generate", "--language", "sv", "-o", "sv.jsonl", "--data", "toy", "--config-dir", str(toy_card),
              "--calls", "4", "synthesis=general", "synthesis.model=m")  # fmt: skip
    done = harness(*common, "--write-batch", "batch.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    requests = [json.loads(line) for line in (tmp_path / "batch.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({one["custom_id"] for one in requests}) == 4
    assert requests[0]["body"]["response_format"]["json_schema"]["strict"] is True
    lines = []
    for number, one in enumerate(requests[:3]):
        message = {"message": {"content": answer_for(number)}, "finish_reason": "stop"}
        lines.append({"custom_id": one["custom_id"], "response": {"body": {"choices": [message], "model": "m-2"}}})
    lines.append({"custom_id": requests[3]["custom_id"], "response": None, "error": {"code": "expired"}})
    (tmp_path / "out.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    done = harness(*common, "--collect", "out.jsonl", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["answers"] == 3
    assert "1 calls have no answer" in done.stderr
    assert read_card(tmp_path / "sv.jsonl")["origin"]["model"] == "m-2"
    done = harness(*common, "--write-batch", "again.jsonl", cwd=tmp_path)
    assert "1 requests" in done.stdout


def test_a_local_model_is_an_engine_too(toy_card: Path, tmp_path: Path) -> None:
    import torch
    from transformers import BertTokenizerFast, GPT2Config, GPT2LMHeadModel

    folder = tmp_path / "gpt"
    folder.mkdir()
    letters = [chr(code) for code in range(33, 127)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    GPT2LMHeadModel(
        GPT2Config(vocab_size=len(words), n_positions=4096, n_embd=16, n_layer=1, n_head=2)
    ).save_pretrained(folder)
    config = compose_config(
        ["data=toy", "synthesis=general", "synthesis.engine=transformers", f"synthesis.model={folder}",
         "synthesis.max_tokens=16"], toy_card)  # fmt: skip
    made, outcome = generate(config, "sv", 2, tmp_path / "sv.jsonl")
    assert (outcome.asked, outcome.failed, made.account["items"]) == (2, 0, 0)


def test_prompts_differ_by_call_define_labels_and_repeat_by_seed() -> None:
    card = compose_config(["synthesis=clinical", "synthesis.model=m"]).synthesis
    labels = ("DRUG", "STRENGTH", "FORM", "DOSAGE", "FREQUENCY", "DURATION")
    made = calls(card, "fr", labels, number=30, seed=1)
    texts = [call.messages[1]["content"] for call in made]
    assert len(set(texts)) > 25 and len({call.key for call in made}) == 30
    assert texts == [call.messages[1]["content"] for call in calls(card, "fr", labels, number=30, seed=1)]
    assert "French" in texts[0] and all(f"- {label}: " in texts[0] for label in labels)
    assert "<DRUG>Amoxicillin</DRUG> <STRENGTH>500 mg</STRENGTH>" in texts[0]
    with pytest.raises(ConfigError, match=r"no definition of \['ROUTE'\]"):
        calls(card, "fr", ("ROUTE",), number=1, seed=1)


def test_no_example_may_stand_in_target_test_data(toy_card: Path) -> None:
    config = compose_config(
        ["data=toy", "synthesis=general", "synthesis.model=m", "synthesis.source_examples=2"], toy_card
    )
    around = surroundings(config.data, config.data_folder or Path(), "sv")
    assert len(around.protected) == 16 and around.source_labels == {"PER": 48, "LOC": 48}
    assert planned_calls(config, "sv", 2, around)
    leaking = compose_config(
        ["data=toy", "synthesis=general", "synthesis.model=m",
         f'synthesis.examples=[{{text: "{around.protected[0]}"}}]'], toy_card)  # fmt: skip
    with pytest.raises(ConfigError, match="1 examples of the prompt stand in target dev or test data"):
        planned_calls(leaking, "sv", 2, around)


def test_a_restricted_corpus_enters_no_prompt_that_leaves_the_machine(toy_card: Path) -> None:
    settings = [
        "data=toy",
        "data.restricted=true",
        "synthesis=general",
        "synthesis.model=m",
        "synthesis.source_examples=2",
    ]
    config = compose_config(settings, toy_card)
    around = surroundings(config.data, config.data_folder or Path(), "sv")
    with pytest.raises(ConfigError, match="restricted, to another machine"):
        planned_calls(config, "sv", 1, around)
    local = compose_config([*settings, "synthesis.base_url=http://127.0.0.1:1/v1"], toy_card)
    assert planned_calls(local, "sv", 1, around)


def test_another_model_or_prompt_never_gets_the_answers_of_this_one(toy_card: Path) -> None:
    def keys(*more: str) -> set[str]:
        config = compose_config(["data=toy", "synthesis=general", "synthesis.model=m", *more], toy_card)
        around = surroundings(config.data, config.data_folder or Path(), "sv")
        return {call.key for call in planned_calls(config, "sv", 3, around)}

    plain = keys()
    assert plain == keys()
    for more in (
        "synthesis.model=n",
        "synthesis.temperature=0.1",
        "synthesis.items_per_call=7",
        "synthesis.output=inline",
    ):
        assert not plain & keys(more)


def test_a_batch_file_holds_no_restricted_sentence_wherever_the_server_is(toy_card: Path, tmp_path: Path) -> None:
    config = compose_config(["data=toy", "data.restricted=true", "synthesis=general", "synthesis.model=m", "synthesis.source_examples=1",
                             "synthesis.base_url=http://127.0.0.1:1/v1"], toy_card)  # fmt: skip
    with pytest.raises(ConfigError, match="would leave this machine"):
        batch_requests(config, "sv", 1, tmp_path / "o.jsonl", tmp_path / "b.jsonl")
    assert not (tmp_path / "b.jsonl").exists()


def test_answers_without_usage_count_for_the_budget(toy_card: Path, tmp_path: Path, serve) -> None:  # type: ignore[no-untyped-def]
    _, url = serve("no_usage")
    config = configured(toy_card, url, "synthesis.budget_tokens=2000", "synthesis.concurrency=1")
    _, outcome = generate(config, "sv", 50, tmp_path / "sv.jsonl")
    assert "budget_tokens=2000 is used up" in outcome.stopped and 1 <= outcome.asked <= 5


def test_an_answer_under_way_when_the_program_is_stopped_is_kept(tmp_path: Path) -> None:
    class Engine:
        def ask(self, call: Call) -> Answer:
            if call.key == "0":
                time.sleep(0.2)
                raise KeyboardInterrupt
            time.sleep(0.6)
            return Answer(call.key, "{}", "stop", 1, 1, "m")

    store = AnswerStore(tmp_path / "a.jsonl")
    with pytest.raises(KeyboardInterrupt):
        ask_all(
            Engine(), [Call(str(number), (), {}) for number in range(6)], store, SynthesisCard(name="x", concurrency=2)
        )
    assert "1" in AnswerStore(tmp_path / "a.jsonl").answers


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_stopped_program_pays_for_no_answer_twice(toy_card: Path, tmp_path: Path, serve, name: str) -> None:  # type: ignore[no-untyped-def]
    server, url = serve("half_a_second")
    command = [sys.executable, "-m", "harness", "synthesize", "generate", "--language", "sv", "-o", "sv.jsonl", "--data", "toy",
               "--config-dir", str(toy_card), "--calls", "9", "synthesis=general", "synthesis.model=m",
               f"synthesis.base_url={url}", "synthesis.concurrency=3"]  # fmt: skip
    process = interruptible(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not server.seen:
        time.sleep(0.02)
    time.sleep(0.7)  # three answers stored, three under way
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=60)
    assert process.returncode != 0
    stored = len((tmp_path / "sv.answers.jsonl").read_text(encoding="utf-8").splitlines())
    assert 3 <= stored == sum(server.served.values()) < 9
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(server.served.values()) == [1] * 9


def test_a_damaged_answer_file_is_named_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n{}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.jsonl:1: not a stored answer"):
        AnswerStore(tmp_path / "a.jsonl")
    assert (tmp_path / "a.jsonl").read_text(encoding="utf-8") == "{}\n{}\n"


def test_import_on_the_command_line(tmp_path: Path) -> None:
    items = [{"tokens": ["Anna", "bor", "i", f"by{n}"], "ner_tags": [1, 0, 0, 5 if n else 9]} for n in range(4)]
    rows = [
        {"r": {"c": [{"m": json.dumps(items[:2])}]}},
        {"r": {"c": [{"m": json.dumps({"x": items[2:]})}]}},
        {"r": None},
    ]
    (tmp_path / "raw.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = ("synthesize", "import", "raw.jsonl", "--text-field", "r.c.0.m", "--tag-legend",
               "O,B-PER,I-PER,B-ORG,I-ORG,B-LOC,I-LOC", "--language", "swe", "-o", "out.jsonl", "--rejects", "rej.jsonl")  # fmt: skip
    done = harness(*command, "--filter", "none", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout.splitlines()[-1])
    assert {
        "answers": 3,
        "items": 4,
        "parsed": 3,
        "kept": 3,
        "rejected": {"tag_out_of_range": 1},
        "filtered": {},
    }.items() <= value.items()
    first = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["text"] == "Anna bor i by1" and first["language"] == "sv"
    assert first["spans"] == [{"start": 0, "end": 4, "label": "PER"}, {"start": 11, "end": 14, "label": "LOC"}]
    (line,) = (tmp_path / "rej.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["reason"] == "tag_out_of_range"
    page = harness("synthesize", "inspect", "out.jsonl", cwd=tmp_path)
    assert page.returncode == 0 and "<svg" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_agreement_with_a_recogniser_from_import_to_prediction_and_back(
    toy_card: Path, tracking: str, tmp_path: Path
) -> None:
    """The whole way: import unfiltered, predict on that file with an exported model, import again with the filter."""
    done = harness("run", "--config-dir", str(toy_card), "data=toy", "method.languages=[sv]", "trainer.max_epochs=12", "trainer.patience=null",
                   "trainer.threads=1", f"tracking.uri={tracking}", "tracking.experiment=E", "--json", "tracking.system_metrics=false", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout.splitlines()[-1])["run_id"]
    done = harness("export", run, "--tracking-uri", tracking, "-o", "model", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    right = {"tokens": ["anna", "went", "to", "rome", "day7", "."], "ner_tags": ["B-PER", "O", "O", "B-LOC", "O", "O"]}
    wrong = {"tokens": ["bert", "went", "to", "oslo", "day9", "."], "ner_tags": ["O", "B-PER", "B-LOC", "O", "O", "O"]}
    (tmp_path / "raw.jsonl").write_text(json.dumps({"text": json.dumps([right, wrong])}) + "\n", encoding="utf-8")
    base = ("synthesize", "import", "raw.jsonl", "--labels", "PER,LOC", "--language", "sv")
    assert harness(*base, "-o", "all.jsonl", "--filter", "none", cwd=tmp_path).returncode == 0
    done = harness("predict", "model", "all.jsonl", "-o", "predicted.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    filters = ("--filter", "language=false", "--filter", "agreement=0.5", "--predictions", "predicted.jsonl")
    done = harness(*base, "-o", "kept.jsonl", *filters, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["filtered"] == {"disagreement": 1}
    assert read_card(tmp_path / "kept.jsonl")["agreement"] > 0.5
    (tmp_path / "predicted.jsonl").write_text("", encoding="utf-8")
    done = harness(*base, "-o", "kept.jsonl", *filters, cwd=tmp_path)
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("none.jsonl",), "no such file"),
        (("raw.jsonl", "--text-field", "a.b"), "no line has the field 'a.b'; the first line has text"),
        (("raw.jsonl", "--tag-legend", "PER,O"), "tag legend: found"),
        (("raw.jsonl", "--repair", "magic"), "'magic' is unknown; allowed: trailing_tag"),
        (("raw.jsonl", "--filter", "nearest=1"), "nearest: no such key"),
        (("raw.jsonl", "--filter", "language"), "write NAME=VALUE"),
        (("bad.jsonl",), "bad.jsonl:1: not a JSON object"),
    ],
)
def test_wrong_use_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "raw.jsonl").write_text('{"text": "x"}\n', encoding="utf-8")
    (tmp_path / "bad.jsonl").write_text("{\n", encoding="utf-8")
    legend = () if "--tag-legend" in arguments else ("--tag-legend", "O,B-PER")
    done = harness("synthesize", "import", *arguments, *legend, "--language", "sv", "-o", "o.jsonl", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_the_quality_page_escapes_everything(tmp_path: Path) -> None:
    from harness.values.records import Sentence, Span

    text = "<script>alert(1)</script> & Anna"
    sentence = Sentence("1", text, "sv", (Span(28, 32, "<b>"),))
    card = quality_card([sentence], ItemAccount({"items": 1, "parsed": 1, "kept": 1}), language="sv", labels=["<b>"], source={"<b>": 1},
                        facts={"origin": {"model": "<i>"}})  # fmt: skip
    page = quality_page(card, "<title>", [(text, [span._asdict() for span in sentence.spans])])
    assert "<script>" not in page and "<b>" not in page.replace("<b>sv</b>", "") and "<i>" not in page
    assert card["label_distance"] == 0.0
    assert label_distance({"A": 1}, {"B": 3}) == 1.0


def test_a_changed_corpus_no_longer_fits_its_card(toy_card: Path, tmp_path: Path, serve) -> None:  # type: ignore[no-untyped-def]
    _, url = serve()
    output = tmp_path / "sv.jsonl"
    generate(configured(toy_card, url), "sv", 2, output)
    assert "Samples" in page_of(output, quality_page)[0]
    output.write_text("", encoding="utf-8")
    with pytest.raises(HarnessError, match="changed since its quality card"):
        page_of(output, quality_page)
    card_path(output).unlink()
    with pytest.raises(DataError, match="no quality card"):
        page_of(output, quality_page)


def test_a_run_logs_the_card_of_its_synthetic_corpus(toy_card: Path, tmp_path: Path, tracking: str, serve) -> None:  # type: ignore[no-untyped-def]
    from harness.pipeline import run_experiment
    from harness.tracking.store import Store

    _, url = serve()
    generate(configured(toy_card, url), "sv", 10, toy_card / "data" / "sv" / "synthetic.jsonl")
    config = compose_config(
        ["data=toy", "method=synthetic", "method.ratio=0.2", "method.languages=[sv]", "trainer.max_epochs=1",
         "trainer.threads=1", f"tracking.uri={tracking}", *QUICK], toy_card)  # fmt: skip
    result = run_experiment(config, command="x")
    assert result.metrics["synthesis/sv/items"] == 30
    client = Store(tracking).client
    assert [one.path for one in client.list_artifacts(result.run_id, "synthesis")] == ["synthesis/sv.card.json"]
    names = {entry.dataset.name for entry in client.get_run(result.run_id).inputs.dataset_inputs}
    assert "toy sv.synthetic" in names


REAL = Path(os.environ.get("HARNESS_REAL_DATA", "")) / "llm"


@pytest.mark.skipif(not os.environ.get("HARNESS_REAL_DATA") or not REAL.is_dir(), reason="set HARNESS_REAL_DATA")
def test_real_answers_played_back_with_faults_arrive_once(toy_card: Path, tmp_path: Path, serve) -> None:  # type: ignore[no-untyped-def]
    raw = read_answers(REAL / "sv.gpt-4.1-2025-04-14.raw.jsonl", "response.choices.0.message.content")
    server, url = serve("429", "500", "cut", "slow", "not_json", "", answers=[text for _, text in raw[:40]])
    _, outcome = generate(configured(toy_card, url), "sv", 40, tmp_path / "sv.jsonl")
    assert (outcome.asked, outcome.failed) == (40, 0)
    stored = AnswerStore(tmp_path / "sv.answers.jsonl").answers.values()
    assert Counter(one.text for one in stored) == Counter(text for _, text in raw[:40])
    assert len(server.seen) == 40
