from pathlib import Path

import pytest

from harness.config import compose_config, group_options, shipped_folder
from harness.config.compose import GROUPS
from harness.sweep.space import load_sweep
from harness.values.errors import ConfigError


@pytest.fixture(autouse=True)
def _folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("UNER_DIR", "MASAKHANER2_DIR", "N2C2_DIR", "GERNERMED_DIR"):
        monkeypatch.setenv(name, str(tmp_path))


SHIPPED = [(group, name) for group in GROUPS for name in group_options(group)]


@pytest.mark.parametrize(("group", "name"), SHIPPED, ids=lambda value: str(value))
def test_every_shipped_choice_composes(group: str, name: str) -> None:
    needed = {
        "hf": ["encoder.path=owner/name"], "chat": ["translator.model=m"], "links": ["aligner.path=x"],
        "ctranslate2": ["translator.path=x", "translator.tokenizer=owner/name"], "clinical": ["synthesis.model=m"],
        "general": ["synthesis.model=m"],
    }  # fmt: skip
    methods = ["method=translate_train"] if group in ("translator", "aligner") and name != "none" else []
    extra = [*needed.get(name, []), *methods]
    config = compose_config([f"{group}={name}", *extra])
    if group in ("data", "encoder"):
        card = getattr(config, group)
        assert card.license != "" and (card.citation or name in ("files", "hf"))


@pytest.mark.parametrize("path", sorted(shipped_folder("sweeps").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_sweep_is_valid_and_documented(path: Path) -> None:
    sweep = load_sweep(str(path))
    assert sweep.name == path.stem and sweep.description


def test_every_pinned_revision_is_a_commit() -> None:
    for name in group_options("encoder"):
        if name == "hf":
            continue
        revision = compose_config([f"encoder={name}"]).encoder.revision
        assert revision is None or len(revision) == 40


def test_an_override_wins_and_later_ones_win_over_earlier() -> None:
    config = compose_config(
        ["method=synthetic", "method.ratio=0.3", "seed=1", "seed=2", "method=zero_shot", "method.ratio=0"]
    )
    assert (config.method.name, config.method.ratio, config.seed) == ("zero_shot", 0, 2)


def test_values_that_hold_characters_of_hydras_grammar_are_taken_as_they_are(tmp_path: Path) -> None:
    config = compose_config(["encoder=hf", "encoder.path=/a b/c=d,{e}", "tracking.uri=postgresql://me:p@w@host/db?x=1"])
    assert config.encoder.path == "/a b/c=d,{e}"
    assert config.tracking.uri == "postgresql://me:p@w@host/db?x=1"


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (["trainer.max_epoch=2"], "trainer.max_epoch: no such key; did you mean 'max_epochs'"),
        (["trainer.max_epochs=two"], "trainer.max_epochs: found 'two'"),
        (["trainer.batch_size=0"], "trainer.batch_size: found 0"),
        (["encoder=xlmr-bas"], "encoder=xlmr-bas: no such choice; did you mean 'xlmr-base'"),
        (["encoder=hf"], "encoder.path is missing"),
        (["method.ratio=0.3"], "zero_shot trains on no synthetic data"),
        (["method=synthetic", "method.size=3"], "ratio and size exclude each other"),
        (["method=synthetic_only", "method.ratio=0"], "would train on nothing"),
        (["method.dev=target"], "needs protocol: oracle"),
        (["method.languages=[xx]"], r"\['xx'\] are not targets of rx-mini; allowed"),
        (["data.label_map={A: B}"], r"maps to \['B'\], which are not among labels"),
        (["data.targets.sv.tset={path: x}"], "data.targets.sv.tset: no such key; did you mean 'test'"),
        (["data.source.train.path=${oc.env:NOT_THERE}/x"], "NOT_THERE"),
        (["nonsense"], "is not an override; write KEY=VALUE"),
        (["trainer.window_overlap=200"], "must be at most half of max_length"),
    ],
)
def test_a_mistake_stops_before_anything_runs(overrides: list[str], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        compose_config(overrides)


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(ConfigError, match=r"(?s)trainer.batch_size.*seed"):
        compose_config(["trainer.batch_size=x", "seed=-1"])


def test_a_users_folder_adds_choices_and_goes_before_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "method").mkdir()
    (tmp_path / "method" / "mine.yaml").write_text("name: mine\ntrain: [source]\nratio: 0\n")
    (tmp_path / "method" / "zero_shot.yaml").write_text("name: my-zero-shot\ntrain: [source]\nratio: 0\n")
    assert compose_config(["method=mine"], tmp_path).method.name == "mine"
    assert compose_config([], tmp_path).method.name == "my-zero-shot"
    assert compose_config([]).method.name == "zero_shot"
    with pytest.raises(ConfigError, match="no such choice"):
        compose_config(["method=mine"])


def test_an_experiment_preset_sets_several_groups(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /method: synthetic\nseed: 9\n"
    )
    config = compose_config(["experiment=mine"], tmp_path)
    assert (config.method.name, config.seed) == ("synthetic", 9)


def test_the_saved_configuration_holds_no_folder_of_this_machine() -> None:
    assert "data_folder" not in compose_config([]).model_dump(mode="json")
