"""Generation against a real server on loopback with faults, resumption, budgets, batch files, and the command line."""

import json
from pathlib import Path

import pytest

from harness.config import compose_config
from harness.config.synthesis import SynthesisCard
from harness.synthesis.answers import Answer, AnswerStore
from harness.synthesis.card import read_card
from harness.synthesis.client import ask_all
from harness.synthesis.prompts import Call
from harness.values.errors import ConfigError
from harness.workflows.synthesise import generate, planned_calls, surroundings
from tests.conftest import QUICK
from tests.synthesis.generate_cases import configured
from tests.test_cli import harness


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
