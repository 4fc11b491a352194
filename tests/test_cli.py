"""The command line as a person calls it: exit codes, one sentence on stderr, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.tracking.store import Store
from tests.conftest import QUICK, interruptible

FAST = ["trainer.max_epochs=2", "trainer.threads=1", *QUICK]


def harness(*arguments: str, cwd: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, check=False
    )


def test_help_names_every_command_of_the_design(tmp_path: Path) -> None:
    shown = harness("--help", cwd=tmp_path).stdout
    for command in (
        "run",
        "sweep",
        "compare",
        "ui",
        "export",
        "predict",
        "evaluate",
        "data",
        "translate",
        "align",
        "project",
        "doctor",
    ):
        assert f" {command} " in shown


def test_run_prints_one_json_object_as_its_last_line(toy_card: Path, tracking: str, tmp_path: Path) -> None:
    done = harness(
        "run", "--config-dir", str(toy_card), "data=toy", "method=synthetic", "method.ratio=0.2", "seed=1",
        f"tracking.uri={tracking}", "tracking.experiment=E", *FAST, "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    assert {"run_id", "metrics", "params"} <= record.keys()
    assert record["params"]["method.ratio"] == "0.2"
    assert 0 <= record["metrics"]["test/sv/entity_f1"] <= 1
    run = Store(tracking).client.get_run(record["run_id"])
    assert run.data.tags["harness.command"].startswith("harness run --config-dir /")


def test_a_hugging_face_folder_works_as_an_encoder(
    toy_card: Path, tracking: str, tmp_path: Path, tiny_bert: Path
) -> None:
    done = harness(
        "run", "--config-dir", str(toy_card), "data=toy", "encoder=hf", f"encoder.path={tiny_bert}", "method=synthetic",
        "method.ratio=0.2", "trainer.max_epochs=2", "seed=1", f"tracking.uri={tracking}", "tracking.experiment=E", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("test  entity f1")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "trainer.max_epoch=2"], "trainer.max_epoch: no such key; did you mean 'max_epochs'"),
        (["run", "encoder=hf", "encoder.path=/nowhere"], "encoder.path: no such folder: /nowhere"),
        (["run", "encoder=xlmr-base"], "the Hugging Face hub cannot be reached"),
        (["run", "data.targets.xx={}"], "'xx' is not a BCP-47"),
        (["run", "data.targets.it={}"], "rx-mini has no it.test"),
        (["run", "data.source.train.path=no.txt"], "no such file"),
        (["run", "tracking.uri=file:///tmp/x"], "MLflow 3 writes to a database or a server"),
        (["sweep", "nothing.yaml"], "no such sweep file"),
        (["compare"], "no tracking store at sqlite"),
        (["export", "best", "-o", "x"], "no tracking store at sqlite"),
        (["predict", "."], "holds no harness.json"),
        (["evaluate", "a.conll", "b.conll"], "no such file: a.conll"),
        (["data", "stats", "nothing"], "data=nothing: no such choice"),
        (["data", "convert", "a.conll", "b.xml", "--language", "en"], "format 'xml' cannot be written"),
        (["run", "--nonsense"], "No such option"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    done = harness(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.rglob("*.db")) == []


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    assert "Traceback" in harness("--debug", "run", "trainer.max_epoch=2", cwd=tmp_path).stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_a_run_as_killed_with_a_sentence(
    number: signal.Signals, toy_card: Path, tracking: str, tmp_path: Path
) -> None:
    command = [
        sys.executable, "-m", "harness", "run", "--config-dir", str(toy_card), "data=toy", f"tracking.uri={tracking}",
        *QUICK, "trainer.max_epochs=900", "trainer.evaluations=900",
    ]  # fmt: skip
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = interruptible(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    for line in process.stderr:
        if "epoch 2 " in line:
            break
    process.send_signal(number)
    rest = process.stderr.read()
    assert process.wait(60) == 130
    assert "interrupted" in rest
    assert "Traceback" not in rest
    store = Store(tracking)
    (run,) = store.runs([store.experiment_id("harness")])
    assert run.info.status == "KILLED"
    assert not list(tmp_path.glob("harness-*"))


def test_evaluate_prints_json_and_says_what_it_scored_as_o(tmp_path: Path) -> None:
    (tmp_path / "g.conll").write_text("Rome B-LOC\nis O\n\nOslo B-LOC\n")
    (tmp_path / "p.conll").write_text("Rome B-LOC\n")
    assert harness("evaluate", "g.conll", "p.conll", cwd=tmp_path).returncode == 2
    done = harness("evaluate", "g.conll", "p.conll", "--json", "--missing-as-o", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (found["entity_f1"], found["missing_sentences"], found["missing_tokens"]) == (pytest.approx(2 / 3), 2, 2)
    assert "scored as O: 2 tokens in 2 sentences" in done.stderr


def test_evaluate_against_another_system_tests_the_difference(tmp_path: Path) -> None:
    (tmp_path / "g.conll").write_text("Rome B-LOC\n\nOslo B-LOC\n")
    (tmp_path / "p.conll").write_text("Rome B-LOC\n\nOslo O\n")
    done = harness("evaluate", "g.conll", "g.conll", "--against", "p.conll", "--bootstrap", cwd=tmp_path)
    assert "entity_f1 difference" in done.stdout
    assert "entity_f1 95 %" in done.stdout


def test_from_run_to_prediction(toy_card: Path, tracking: str, tmp_path: Path, tiny_bert: Path) -> None:
    done = harness(
        "run", "--config-dir", str(toy_card), "data=toy", "encoder=hf", f"encoder.path={tiny_bert}", "trainer.max_epochs=6",
        "trainer.learning_rate=5e-3", "trainer.batch_size=8", f"tracking.uri={tracking}", "tracking.experiment=E",
        "tracking.system_metrics=false", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    store = ["--tracking-uri", tracking, "-e", "E"]
    table = harness("compare", *store, "--measure", "entity_f1,span_f1", "--wide", cwd=tmp_path)
    assert "sv entity f1" in table.stdout
    exported = harness("export", "best", *store, "-o", "out", "--onnx", "--register", "toy", cwd=tmp_path)
    assert exported.returncode == 0, exported.stderr
    assert "logits within" in exported.stdout
    assert "toy version 1 (no alias moved" in exported.stdout
    card = (tmp_path / "out" / "README.md").read_text()
    assert "harness run --config-dir FOLDER/" in card
    assert str(tmp_path) not in card + "".join(file.read_text() for file in (tmp_path / "out").glob("*.json"))
    text = "anna went to rome today.\n\nيوم 😀\n"
    tagged = harness("predict", "out", "--language", "swa", cwd=tmp_path, stdin=text)
    rows = [json.loads(line) for line in tagged.stdout.splitlines()]
    assert [row["text"] for row in rows] == ["anna went to rome today.", "", "يوم 😀"]
    assert {row["language"] for row in rows} == {"sw"}
    assert all(0.2 < span.pop("score") <= 1 for span in rows[0]["spans"])
    anna = {"start": 0, "end": 4, "label": "PER", "text": "anna"}
    assert rows[0]["spans"] == [anna, {"start": 13, "end": 17, "label": "LOC", "text": "rome"}]
    again = harness("export", "best", *store, "-o", "out", "--register", "toy", "--alias", "champion", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert f"toy version 2, alias champion: {tiny_bert.name} zero_shot on toy, seed 1: dev entity F1" in again.stdout
    moved = harness("export", "best", *store, "-o", "out", "--register", "toy", "--alias", "champion", cwd=tmp_path)
    assert f"before it version 2 ({tiny_bert.name} zero_shot on toy" in moved.stdout
    loads = (
        f"import mlflow; mlflow.set_tracking_uri({tracking!r}); mlflow.set_registry_uri({tracking!r});"
        "found = mlflow.pyfunc.load_model('models:/toy@champion').predict(['anna went to rome today.', '']);"
        "print([[{k: v for k, v in e.items() if k != 'score'} for e in text] for text in found])"
    )
    served = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert served.returncode == 0, served.stderr
    assert served.stdout.splitlines()[-1] == str(
        [
            [
                {"start": 0, "end": 4, "label": "PER", "text": "anna"},
                {"start": 13, "end": 17, "label": "LOC", "text": "rome"},
            ],
            [],
        ]
    )
    (tmp_path / "out" / "mine.txt").write_text("x")
    assert harness("export", "best", *store, "-o", "out", cwd=tmp_path).returncode == 2


def test_data_check_fails_on_a_difference_and_on_test_sentences_in_training(toy_card: Path, tmp_path: Path) -> None:
    folder = ["--config-dir", str(toy_card)]
    assert harness("data", "check", "toy", *folder, cwd=tmp_path).returncode == 0
    card = toy_card / "data" / "toy.yaml"
    card.write_text(card.read_text().replace("sentences: 48", "sentences: 50"))
    done = harness("data", "check", "toy", *folder, cwd=tmp_path)
    assert done.returncode == 1
    assert "en.train: found 48 sentences, expected 50" in done.stdout
    (toy_card / "data" / "en" / "test.conll").write_bytes((toy_card / "data" / "en" / "train.conll").read_bytes())
    done = harness("data", "check", "toy", *folder, "--json", cwd=tmp_path)
    assert "48 test sentences stand in another split" in done.stderr
    assert json.loads(done.stdout)["overlaps"][0]["sentences"] == 48


def test_data_convert_and_list(toy_card: Path, tmp_path: Path) -> None:
    source = toy_card / "data" / "sv" / "test.conll"
    assert harness("data", "convert", str(source), "out.jsonl", "--language", "sv", cwd=tmp_path).returncode == 0
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 10
    listed = harness("data", "list", "--config-dir", str(toy_card), "--json", cwd=tmp_path)
    assert {"toy", "rx_mini", "n2c2"} <= {entry["name"] for entry in json.loads(listed.stdout)}


def test_doctor_examines_this_machine(tmp_path: Path) -> None:
    done = harness("doctor", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = {finding["what"]: finding["state"] for finding in json.loads(done.stdout)}
    assert found["torch"] == "ok"
    assert found["Hugging Face hub"] == "missing"  # HF_HUB_OFFLINE is set in tests
