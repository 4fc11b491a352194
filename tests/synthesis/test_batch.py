"""Generation against a real server on loopback with faults, resumption, budgets, batch files, and the command line."""

import json
from pathlib import Path

import pytest

from harness.config import compose_config
from harness.synthesis.card import read_card
from harness.values.errors import ConfigError
from harness.workflows.synthesise import batch_requests
from tests.synthesis.generate_cases import answer_for
from tests.test_cli import harness


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


def test_a_batch_file_holds_no_restricted_sentence_wherever_the_server_is(toy_card: Path, tmp_path: Path) -> None:
    config = compose_config(["data=toy", "data.restricted=true", "synthesis=general", "synthesis.model=m", "synthesis.source_examples=1",
                             "synthesis.base_url=http://127.0.0.1:1/v1"], toy_card)  # fmt: skip
    with pytest.raises(ConfigError, match="would leave this machine"):
        batch_requests(config, "sv", 1, tmp_path / "o.jsonl", tmp_path / "b.jsonl")
    assert not (tmp_path / "b.jsonl").exists()
