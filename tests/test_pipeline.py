"""Whole experiments on a toy corpus, seconds each."""

import json
from pathlib import Path

import pytest

from harness.config import Config, compose_config
from harness.errors import ConfigError, DataError, HarnessError
from harness.pipeline import Result, Warm, run_experiment
from harness.tracking.mlflow import Pruned, Store
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
    assert {one.path for one in client.list_artifacts(result.run_id)} == {"checkpoint", "config.json", "predictions"}
    assert [point.step for point in client.get_metric_history(result.run_id, "train/loss")] == list(range(1, 9))


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
    assert result.metrics["data/mixture/synthetic/sv"] + result.metrics["data/mixture/synthetic_dev/sv"] == 24
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

        def stop(epoch: int, values: dict[str, float], error: BaseException = error) -> None:
            raise error

        with pytest.raises(type(error)):
            run(toy_card, tracking, on_start=started.append, on_epoch=stop)
        assert store.client.get_run(started[0]).info.status == status


def test_a_full_disk_during_a_checkpoint_fails_in_one_sentence(
    toy_card: Path, tracking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(state: object, path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.model.train.save_file", full)
    started: list[str] = []
    with pytest.raises(HarnessError, match="best.safetensors: No space left on device; free some space"):
        run(toy_card, tracking, on_start=started.append)
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
    from harness.errors import UsageError
    from harness.export import choose_run, export_run

    overrides = ["method=synthetic", "method.ratio=0.25", "method.targets=separate", "trainer.max_epochs=8"]
    result = run(toy_card, tracking, *overrides, "trainer.learning_rate=0.02")
    store = Store(tracking)
    record = choose_run(store, result.run_id[:12], "harness")
    with pytest.raises(UsageError, match=r"one model for each of \['sv', 'sw'\]; choose one with --model"):
        export_run(store, record, tmp_path / "out")
    for model in ("sv", "sw"):
        exported = export_run(store, record, tmp_path / model, model=model)
        assert exported.agreement == exported.probes > 0


def test_runs_of_dead_processes_are_closed_by_the_next(toy_card: Path, tracking: str) -> None:
    import os
    import platform

    from harness.tracking.mlflow import PROCESS_TAG, process_name

    first = run(toy_card, tracking, "trainer.max_epochs=1")
    store = Store(tracking)
    client, experiment = store.client, store.experiment_id("harness")
    dead = client.create_run(experiment, tags={PROCESS_TAG: f"{platform.node()}/4194300@1"}).info.run_id
    alive = client.create_run(experiment, tags={PROCESS_TAG: process_name(os.getpid())}).info.run_id
    elsewhere = client.create_run(experiment, tags={PROCESS_TAG: "another-host/1@1"}).info.run_id
    run(toy_card, tracking, "trainer.max_epochs=1")
    states = {name: client.get_run(name).info.status for name in (first.run_id, dead, alive, elsewhere)}
    assert list(states.values()) == ["FINISHED", "KILLED", "RUNNING", "RUNNING"]


def test_errors_in_a_restricted_corpus_do_not_show_its_text(toy_card: Path, tracking: str) -> None:
    path = toy_card / "data" / "en" / "train.conll"
    path.write_text("fine O\nPatientSecret\n")
    with pytest.raises(DataError) as caught:
        run(toy_card, tracking, "data.restricted=true")
    assert "PatientSecret" not in str(caught.value)
    assert "train.conll:2" in str(caught.value)


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
        assert metrics["data/mixture/translated/sv"] == 48
        names = {entry.dataset.name for entry in found.inputs.dataset_inputs}
        assert "toy sv.translated_train" in names


def test_zero_shot_leaves_translator_and_aligner_out(toy_card: Path) -> None:
    plain = config(toy_card, "sqlite:///x.db")
    assert (plain.translator.name, plain.aligner.name) == ("none", "none")
    assert config(toy_card, "sqlite:///x.db", "aligner=eflomal") == plain


def test_routes_are_made_once_for_all_seeds(toy_card: Path, tracking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import harness.pipeline as pipeline

    made: list[object] = []
    real = pipeline.prepare_routes
    monkeypatch.setattr(pipeline, "prepare_routes", lambda *a: made.append(a) or real(*a))
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
