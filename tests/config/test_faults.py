from pathlib import Path

import pytest

from harness.config import compose_config, group_options
from harness.values.errors import ConfigError


def test_every_pinned_revision_is_a_commit() -> None:
    for name in group_options("encoder"):
        if name == "hf":
            continue
        revision = compose_config([f"encoder={name}"]).encoder.revision
        assert revision is None or len(revision) == 40


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


def test_the_saved_configuration_holds_no_folder_of_this_machine() -> None:
    assert "data_folder" not in compose_config([]).model_dump(mode="json")
