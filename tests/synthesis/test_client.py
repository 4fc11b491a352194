"""Generation against a real server on loopback with faults, resumption, budgets, batch files, and the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from harness.answers.files import read_answers
from harness.config.synthesis import SynthesisCard
from harness.synthesis.answers import Answer, AnswerStore
from harness.synthesis.card import read_card
from harness.synthesis.client import ask_all
from harness.synthesis.prompts import Call
from harness.workflows.synthesise import generate
from tests.conftest import interruptible
from tests.synthesis.generate_cases import configured


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
