"""Whole experiments on a toy corpus, seconds each."""

import json
from pathlib import Path

import pytest

from harness.config import Config, compose_config
from harness.model.selection import evaluation_steps
from harness.pipeline import Result, Warm, Watch, run_experiment
from harness.tracking.store import Store
from harness.tracking.tracker import Pruned
from harness.values.errors import ConfigError, DataError, HarnessError
from tests.conftest import QUICK


def config(folder: Path, tracking: str, *overrides: str) -> Config:
    base = ["data=toy", "trainer.max_epochs=3", "trainer.threads=1", f"tracking.uri={tracking}", *QUICK]
    return compose_config([*base, *overrides], folder)


def run(folder: Path, tracking: str, *overrides: str, **settings: object) -> Result:
    return run_experiment(config(folder, tracking, *overrides), command="harness run x", **settings)  # type: ignore[arg-type]


def scores(result: Result) -> dict[str, float]:
    return {
        key: value for key, value in result.metrics.items() if "second" not in key and key.startswith(("test/", "dev/"))
    }


def test_a_run_records_all_that_the_design_lists(toy_card: Path, tracking: str) -> None:
    result = run(
        toy_card, tracking, "method=synthetic", "method.ratio=0.25", "trainer.max_epochs=8", "trainer.patience=null"
    )
    found = Store(tracking).client.get_run(result.run_id)
    assert found.info.status == "FINISHED"
    expected = {
        "encoder.name": "char-bilstm", "method.name": "synthetic", "method.ratio": "0.25", "seed": "1",
        "data.name": "toy", "data.targets": "sv,sw", "trainer.learning_rate": "0.005",
    }  # fmt: skip
    assert expected.items() <= found.data.params.items()
    metrics = found.data.metrics
    for name in (
        "test/en/entity_f1", "test/sv/span_f1", "test/sw/PER/entity_f1", "test/mean/entity_f1", "dev/en/entity_f1",
        "dev/sv/entity_f1", "test/sv/errors_missed", "test/sv/entity_f1_low", "model/parameters_millions",
        "model/size_mb", "train/seconds", "train/sentences_per_second", "data/sv/test_sentences",
    ):  # fmt: skip
        assert name in metrics, name
    assert metrics["data/mixture/synthetic/sv"] == 12  # 0.25 x 48
    assert metrics["test/mean/entity_f1"] == pytest.approx(
        (metrics["test/sv/entity_f1"] + metrics["test/sw/entity_f1"]) / 2
    )
    tags = found.data.tags
    assert tags["protocol"] == "zero_shot"
    assert tags["harness.command"] == "harness run x"
    assert {entry.dataset.name for entry in found.inputs.dataset_inputs} >= {"toy en.train", "toy sv.synthetic"}
    client = Store(tracking).client
    assert {one.path for one in client.list_artifacts(result.run_id)} == {
        "checkpoint", "config.json", "counts.json", "predictions"
    }  # fmt: skip
    assert [point.step for point in client.get_metric_history(result.run_id, "train/loss")] == evaluation_steps(24, 10)


def test_ratio_zero_is_zero_shot_and_repeats_to_the_last_digit(toy_card: Path, tracking: str) -> None:
    zero_shot = scores(run(toy_card, tracking))
    assert scores(run(toy_card, tracking, "method=synthetic", "method.ratio=0")) == zero_shot
    assert scores(run(toy_card, tracking, warm=Warm())) == zero_shot
    assert scores(run(toy_card, tracking, "method.targets=separate")) == zero_shot
    assert scores(run(toy_card, tracking, "seed=2")) != zero_shot


def test_a_warm_process_gives_the_same_figures(toy_card: Path, tracking: str) -> None:
    warm = Warm()
    first = scores(run(toy_card, tracking, "method=synthetic", "method.ratio=0.25", warm=warm))
    run(toy_card, tracking, "seed=5", warm=warm)
    assert scores(run(toy_card, tracking, "method=synthetic", "method.ratio=0.25", warm=warm)) == first


def test_separate_targets_are_models_of_their_own(toy_card: Path, tracking: str) -> None:
    result = run(toy_card, tracking, "method=synthetic", "method.ratio=0.25", "method.targets=separate")
    assert result.metrics["model/count"] == 2
    assert {"sv/train/seconds", "sw/train/seconds", "train/seconds"} <= result.metrics.keys()
    client = Store(tracking).client
    assert [one.path for one in client.list_artifacts(result.run_id, "checkpoint")] == [
        "checkpoint/sv",
        "checkpoint/sw",
    ]
    only_sv = run(toy_card, tracking, "method=synthetic", "method.ratio=0.25", "method.languages=[sv]")
    assert only_sv.metrics["test/sv/entity_f1"] == result.metrics["test/sv/entity_f1"]


def test_target_supervised_is_marked_as_an_oracle(toy_card: Path, tracking: str) -> None:
    result = run(toy_card, tracking, "method=target_supervised")
    assert result.tags["protocol"] == "oracle"


def test_methods_train_on_what_they_say(toy_card: Path, tracking: str) -> None:
    result = run(toy_card, tracking, "method=synthetic_only", "method.dev=synthetic")
    assert "data/mixture/source/en" not in result.metrics
    assert result.metrics["data/mixture/synthetic/sv"] + result.metrics["data/mixture/dev/synthetic/sv"] == 30
    assert "dev/synthetic/entity_f1" in result.metrics


def test_bad_input_leaves_no_run_behind(toy_card: Path, tracking: str) -> None:
    with pytest.raises(ConfigError, match="asks for 43 synthetic sentences"):
        run(toy_card, tracking, "method=synthetic", "method.ratio=0.9")
    with pytest.raises(DataError, match="has no de.test"):
        run(toy_card, tracking, "data.targets.de={}")
    assert Store(tracking).client.get_experiment_by_name("harness") is None


def test_pruned_interrupted_and_failed_runs_say_so(toy_card: Path, tracking: str) -> None:
    store = Store(tracking)
    for error, status in ((Pruned("weak"), "KILLED"), (KeyboardInterrupt(), "KILLED"), (OSError("x"), "FAILED")):
        started: list[str] = []

        def stop(evaluation: object, error: BaseException = error) -> None:
            raise error

        with pytest.raises(type(error)):
            run(toy_card, tracking, watch=Watch(on_start=started.append, on_evaluation=stop))
        assert store.client.get_run(started[0]).info.status == status


def test_a_full_disk_during_a_checkpoint_fails_in_one_sentence(
    toy_card: Path, tracking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(state: object, path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.model.selection.save_file", full)
    started: list[str] = []
    with pytest.raises(HarnessError, match="best.safetensors: No space left on device; free some space"):
        run(toy_card, tracking, watch=Watch(on_start=started.append))
    found = Store(tracking).client.get_run(started[0])
    assert found.info.status == "FAILED"
    assert "No space left" in found.data.tags["harness.reason"]


def test_a_restricted_corpus_leaves_no_text_anywhere(toy_card: Path, tracking: str, tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        path = toy_card / "data" / "en" / f"{split}.conll"
        path.write_text(path.read_text().replace("went", "zyxwsecret"))
    result = run(toy_card, tracking, "data.restricted=true", "method=synthetic", "method.ratio=0.25")
    stored = [path for place in ("runs-artifacts", "cache") for path in (tmp_path / place).rglob("*") if path.is_file()]
    assert stored
    for path in [*stored, tmp_path / "runs.db"]:
        assert b"zyxwsecret" not in path.read_bytes(), path
    assert not any("predictions" in str(path) for path in stored)
    assert Store(tracking).client.get_run(result.run_id).data.tags["restricted"] == "true"


def test_the_stored_configuration_can_be_run_again(toy_card: Path, tracking: str) -> None:
    result = run(toy_card, tracking)
    store = Store(tracking)
    path = store.client.download_artifacts(result.run_id, "config.json")
    stored = json.loads(Path(path).read_text())
    assert "uri" not in stored["tracking"]
    stored["tracking"]["uri"] = tracking
    assert Config.model_validate({**stored, "data_folder": toy_card / "data"}) == config(toy_card, tracking)


def test_a_collapsed_run_is_marked(toy_card: Path, tracking: str) -> None:
    path = toy_card / "data" / "en" / "train.conll"
    path.write_text(path.read_text().replace("B-PER", "O").replace("B-LOC", "O"))
    result = run(toy_card, tracking, "trainer.max_epochs=2", "trainer.learning_rate=0.1", "trainer.batch_size=4")
    assert result.collapsed == "no entity of the dev set was ever found"
    assert Store(tracking).client.get_run(result.run_id).data.tags["harness.collapsed"] == result.collapsed


def test_a_token_with_an_odd_blank_at_its_edge_can_be_found(toy_card: Path, tracking: str) -> None:
    # Swedish texts hold U+00A0; gold and predicted spans must leave it out alike, or nothing ever matches.
    for path in (toy_card / "data").rglob("*.conll"):
        path.write_text(path.read_text().replace("anna\t", "anna\u00a0\t"), encoding="utf-8")
    plain = run(toy_card, tracking, "trainer.max_epochs=25", "trainer.learning_rate=0.02", "trainer.patience=null")
    assert plain.metrics["test/en/PER/entity_f1"] == 1.0


def test_an_oracle_dev_of_two_targets_can_be_logged(toy_card: Path, tracking: str) -> None:
    overrides = ["method.dev=target", "protocol=oracle", "data.targets.swa.dev={path: sw/dev.conll, format: conll}"]
    assert "dev/sv-sw/entity_f1" in run(toy_card, tracking, *overrides).metrics


def test_separate_models_are_exported_one_by_one(toy_card: Path, tracking: str, tmp_path: Path) -> None:
    from harness.values.errors import UsageError
    from harness.workflows.choose import choose_run
    from harness.workflows.export import export_run

    overrides = ["method=synthetic", "method.ratio=0.25", "method.targets=separate", "trainer.max_epochs=8"]
    result = run(toy_card, tracking, *overrides, "trainer.learning_rate=0.02")
    store = Store(tracking)
    record = choose_run(store, result.run_id[:12], "harness").record
    with pytest.raises(UsageError, match=r"one model for each of \['sv', 'sw'\]; choose one with --model"):
        export_run(store, record, tmp_path / "out")
    for model in ("sv", "sw"):
        exported = export_run(store, record, tmp_path / model, model=model)
        assert exported.agreement == exported.probes > 0


def test_runs_of_dead_processes_are_closed_by_the_next(toy_card: Path, tracking: str) -> None:
    import os
    import platform

    from harness.tracking.store import process_name
    from harness.values import names

    first = run(toy_card, tracking, "trainer.max_epochs=1")
    store = Store(tracking)
    client, experiment = store.client, store.experiment_id("harness")
    dead = client.create_run(experiment, tags={names.PROCESS: f"{platform.node()}/4194300@1"}).info.run_id
    alive = client.create_run(experiment, tags={names.PROCESS: process_name(os.getpid())}).info.run_id
    elsewhere = client.create_run(experiment, tags={names.PROCESS: "another-host/1@1"}).info.run_id
    run(toy_card, tracking, "trainer.max_epochs=1")
    states = {name: client.get_run(name).info.status for name in (first.run_id, dead, alive, elsewhere)}
    assert list(states.values()) == ["FINISHED", "KILLED", "RUNNING", "RUNNING"]


SECRET = "ZQPatientSecret"


@pytest.mark.parametrize(
    ("name", "card", "content", "place"),
    [
        ("train.conll", "format: conll", f"fine O\n{SECRET}\n", "train.conll:2"),
        ("train", "format: conll", f"fine O\n{SECRET} and more\n", "train:2"),
        ("train.x-y z", "format: conll", f"fine O\nfine {SECRET}\n", "train.x-y z:2"),
        ("t.jsonl", "format: jsonl", json.dumps({"text": SECRET, "spans": "x"}), "t.jsonl:1"),
        ("t.jsonl", "format: jsonl", json.dumps({"text": "a", "spans": [{"start": 0, "end": 1, "label": SECRET}]}), ""),
        ("t.json", "format: rows", json.dumps([{"tokens": ["a"], "ner_tags": [SECRET]}]), "t.json: row 1"),
        ("t.json", "format: rows", json.dumps([{SECRET: ["a"]}]), ""),
        ("t.txt", "format: inline", f"<PER>{SECRET}\n", "t.txt:1"),
        ("d", "format: brat", f"T1\tPER 0 3\t{SECRET}\n", "d/1.ann:1"),
    ],
)
def test_no_message_shows_text_of_a_restricted_corpus(
    name: str, card: str, content: str, place: str, toy_card: Path, tracking: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = toy_card / "data" / "en" / name
    if card.endswith("brat"):
        path.mkdir()
        (path / "1.txt").write_text("Anna bor")
        (path / "1.ann").write_text(content)
    else:
        path.write_text(content, encoding="utf-8")
    source = f"data.source.train={{path: 'en/{name}', {card}}}"
    with pytest.raises(HarnessError) as caught:
        run(toy_card, tracking, "data.restricted=true", source)
    assert SECRET not in str(caught.value) + "".join(capfd.readouterr())
    assert place in str(caught.value)
    assert "restricted" in str(caught.value) or "missing" in str(caught.value)


def test_no_failure_stores_text_of_a_restricted_corpus(
    toy_card: Path, tracking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **settings: object) -> None:
        raise ValueError(f"a library repeats {SECRET}")

    monkeypatch.setattr("harness.experiment.rounds.train", broken)
    with pytest.raises(HarnessError, match="ValueError: its message is withheld"):
        run(toy_card, tracking, "data.restricted=true")
    database = Path(tracking.removeprefix("sqlite:///"))
    assert SECRET.encode() not in database.read_bytes()
    (found,) = Store(tracking).runs(Store(tracking).experiment_ids())
    assert found.info.status == "FAILED"
    assert "withheld" in found.data.tags["harness.reason"]


def test_unreachable_entities_are_counted_for_every_split_and_said(
    toy_card: Path, tracking: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = toy_card / "data" / "en" / "test.jsonl"
    spans = [{"start": 0, "end": 2, "label": "PER"}, {"start": 13, "end": 17, "label": "LOC"}]
    path.write_text(json.dumps({"text": "anna went to rome", "spans": spans}))
    with caplog.at_level("WARNING"):
        result = run(
            toy_card, tracking, "data.source.test={path: en/test.jsonl, format: jsonl}", "trainer.max_epochs=1"
        )
    # 'an' of 'anna' cannot be expressed: the baseline's words are runs of letters.
    assert result.metrics["data/en/test_unreachable_entities"] == 1
    assert result.metrics["data/en/unreachable_entities"] == 1
    assert (
        result.metrics["data/en/train_unreachable_entities"] == result.metrics["data/en/dev_unreachable_entities"] == 0
    )
    assert result.metrics["data/sv/unreachable_entities"] == 0
    assert "test en: 1 of 2 entities (50.0 %) begin or end inside a piece of this encoder" in caplog.text


def test_a_cell_has_the_same_scores_after_another_cell(toy_card: Path, tracking: str) -> None:
    cell = ("method=synthetic", "method.ratio=0.25", "trainer.max_epochs=6", "trainer.patience=null")
    fresh = run(toy_card, tracking, *cell).metrics
    warm = Warm()
    for overrides in (("method=translate_train", "method.languages=[sv]", "trainer.max_epochs=1"), cell):
        settings = config(toy_card, tracking, *overrides)
        after = run_experiment(settings, command="x", warm=warm).metrics
    same = {name for name in fresh if "second" not in name}
    assert {name: after[name] for name in same} == {name: fresh[name] for name in same}


def test_a_run_without_its_checkpoint_is_trained_again_for_an_export(
    toy_card: Path, tracking: str, tmp_path: Path
) -> None:
    import shlex

    from harness.values.errors import UsageError
    from harness.workflows.choose import Wish, choose_run
    from harness.workflows.export import export_run
    from harness.workflows.rebuild import rebuild_run

    overrides = ["data=toy", *QUICK, "trainer.max_epochs=8", "trainer.patience=null", "tracking.checkpoints=none"]
    command = shlex.join(["harness", "run", "--config-dir", str(toy_card), *overrides])
    settings = compose_config([*overrides, f"tracking.uri={tracking}"], toy_card)
    first = run_experiment(settings, command=command)
    store = Store(tracking)
    with pytest.raises(UsageError, match="--rebuild"):
        choose_run(store, "best", "harness")
    record = choose_run(store, "best", "harness", Wish(kept=False)).record
    with pytest.raises(UsageError, match="--rebuild trains it again"):
        export_run(store, record, tmp_path / "out")
    again, difference = rebuild_run(store, record, run_experiment)
    assert difference == 0.0
    assert again.run_id != first.run_id
    assert export_run(store, again, tmp_path / "out").agreement > 0
    path = toy_card / "data" / "en" / "train.conll"
    path.write_text(path.read_text() + "\nx O\n")
    with pytest.raises(UsageError, match="the files of toy have changed"):
        rebuild_run(store, record, run_experiment)


def test_the_card_of_a_model_says_what_its_data_allows(toy_card: Path, tracking: str, tmp_path: Path) -> None:
    import yaml

    from harness.workflows.choose import choose_run
    from harness.workflows.export import export_run

    licence = "'hospital\nlicense: evil'"
    result = run(toy_card, tracking, "data.restricted=true", f"data.license={licence}", "trainer.max_epochs=8")
    store = Store(tracking)
    export_run(store, choose_run(store, result.run_id, "harness").record, tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    _, header, body = text.split("---\n", 2)
    values = yaml.safe_load(header)
    assert values["license"] == "other"
    assert "evil" in values["license_name"]
    assert (values["restricted"], values["datasets"]) == (True, ["toy"])
    assert body.strip().splitlines()[0].startswith("**Trained on restricted data (toy)")
    assert str(tmp_path) not in text


@pytest.mark.parametrize("method", ["translate_train", "translate_train_source", "translate_test"])
def test_translation_methods_run_and_log_what_projection_came_to(toy_card: Path, tracking: str, method: str) -> None:
    result = run(toy_card, tracking, f"method={method}", "method.languages=[sv]", "trainer.max_epochs=6")
    metrics = result.metrics
    assert metrics["projection/sv/source"] == metrics["projection/sv/projected"] + metrics["projection/sv/dropped"]
    assert result.params["translator.name"] == "file"
    assert result.params["aligner.name"] == "hmm"
    found = Store(tracking).client.get_run(result.run_id)
    assert (found.data.tags["translator"], found.data.tags["aligner"]) == ("file", "hmm")
    assert found.data.metrics["projection/sv/projected"] == metrics["projection/sv/projected"]
    if method == "translate_test":
        assert metrics["data/mixture/sentences"] == 48
        assert metrics["projection/sv/projected"] > 0
    else:
        assert metrics["projection/sv/source"] == 96
        assert metrics["projection/sv/projected"] > 90
        assert metrics["data/mixture/translated/sv"] + metrics["data/mixture/dev/translated/sv"] == 48
        names = {entry.dataset.name for entry in found.inputs.dataset_inputs}
        assert "toy sv.translated_train" in names


def test_zero_shot_leaves_translator_and_aligner_out(toy_card: Path) -> None:
    plain = config(toy_card, "sqlite:///x.db")
    assert (plain.translator.name, plain.aligner.name) == ("none", "none")
    assert config(toy_card, "sqlite:///x.db", "aligner=eflomal") == plain


def test_routes_are_made_once_for_all_seeds(toy_card: Path, tracking: str, monkeypatch: pytest.MonkeyPatch) -> None:

    from harness.experiment import warm as warm_module

    made: list[object] = []
    real = warm_module.prepare_routes
    monkeypatch.setattr(warm_module, "prepare_routes", lambda *a: made.append(a) or real(*a))
    warm = Warm()
    for seed in (1, 2):
        run(toy_card, tracking, "method=translate_train", "method.languages=[sv]", f"seed={seed}", "trainer.max_epochs=1",
            warm=warm)  # fmt: skip
    assert len(made) == 1


def test_a_target_without_translations_is_one_sentence(toy_card: Path, tracking: str) -> None:
    with pytest.raises(DataError, match=r"toy has no sw\.translated_train"):
        run(toy_card, tracking, "method=translate_train")
    with pytest.raises(ConfigError, match="markers=brackets needs a translator"):
        run(toy_card, tracking, "method=translate_train", "method.languages=[sv]", "method.projection.markers=brackets")


def test_translation_methods_refuse_impossible_choices(toy_card: Path) -> None:
    with pytest.raises(ConfigError, match="needs a translator and an aligner"):
        config(toy_card, "sqlite:///x.db", "method=translate_train", "aligner=none")
    with pytest.raises(ConfigError, match="sends text to another machine and toy is restricted"):
        config(toy_card, "sqlite:///x.db", "method=translate_train", "translator=chat", "translator.model=m",
               "data.restricted=true")  # fmt: skip
    with pytest.raises(ConfigError, match="test: translated tags source-language text"):
        config(toy_card, "sqlite:///x.db", "method=translate_test", "method.train=[source,synthetic]")
    with pytest.raises(ConfigError, match="no such key"):
        config(toy_card, "sqlite:///x.db", "aligner.prefixx=3")


def test_a_run_records_the_ranking_that_chose_its_aligner(toy_card: Path, tracking: str, tmp_path: Path) -> None:
    from harness.transfer.ranking import add_ranked

    path = tmp_path / "ranking.jsonl"
    for name, score in (("hmm", 0.9), ("eflomal", 0.8), ("hmm", 0.95)):
        add_ranked(path, "aligner", name, "span_f1", score, {"pair": "en-sv", "pairs": 7, "digest": "d"})
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    settings = ("method=translate_train", "method.languages=[sv]", "trainer.max_epochs=1", f"aligner.ranking={path}")
    result = run(toy_card, tracking, *settings)
    assert result.tags["aligner.ranking"] == "place 1 of 2 by span_f1 0.9500 on en-sv (7 pairs, digest d)"
    with pytest.raises(ConfigError, match="does not rank aligner 'links'"):
        run(toy_card, tracking, *settings, "aligner=links", "aligner.path=x")


def test_restricted_text_is_not_kept_by_the_translation_methods(toy_card: Path, tracking: str, tmp_path: Path) -> None:
    run(
        toy_card,
        tracking,
        "method=translate_train",
        "method.languages=[sv]",
        "trainer.max_epochs=1",
        "data.restricted=true",
    )
    assert not list((tmp_path / "cache").rglob("links.jsonl"))
    assert not list((tmp_path / "cache").rglob("*.sqlite"))
