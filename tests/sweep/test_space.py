from pathlib import Path

import pytest

from harness.config import compose_config
from harness.config.sweep import Sweep
from harness.sweep.space import as_overrides, cells, check_transfer_choice, checked_objective, load_sweep
from harness.values.errors import ConfigError

GRID = {"name": "x", "grid": [{"method": ["zero_shot"]}, {"method": ["synthetic"], "method.ratio": [0.1, None]}]}


def test_a_list_of_grids_is_the_union_of_their_products() -> None:
    found = list(cells(Sweep.model_validate({**GRID, "grid": [*GRID["grid"], {"method": ["zero_shot"]}]})))
    assert found == [
        {"method": "zero_shot"},
        {"method": "synthetic", "method.ratio": 0.1},
        {"method": "synthetic", "method.ratio": None},
    ]
    assert as_overrides(found[2]) == ["method=synthetic", "method.ratio=null"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name: x", "give 'grid', 'search', or both"),
        ("name: x\ngrid: {seed: [1]}", "list seeds under 'seeds'"),
        ("name: x\ngrid: {method: [a]}\nbugdet: {}", "bugdet: no such key; did you mean 'budget'"),
        ("name: x\nsearch: {a: {low: 1}}\nbudget: {trials: 1}", "give either low and high, or choices"),
        ("name: x\nsearch: {a: {low: 0, high: 1, log: true}}\nbudget: {trials: 1}", "log needs low above 0"),
        ("name: x\nsearch: {a: {low: 0, high: 1}}", "a search needs budget"),
        ("name: x\ngrid: {method: [a]}\npruner: {name: median}", "nothing is pruned"),
        ("name: x\ngrid: {method: []}", "no values for"),
        ("name: x\nsearch: {protocol: {choices: [oracle]}}\nbudget: {trials: 1}", "cannot be searched"),
        ("name: a/b\ngrid: {method: [a]}", "name: found 'a/b'"),
        ("- a", "found list"),
        ("{", "not YAML"),
    ],
)
def test_a_mistake_in_a_sweep_file_is_one_sentence(text: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(ConfigError, match=fault):
        load_sweep(str(tmp_path / "s.yaml"))


def test_a_missing_sweep_names_the_shipped_ones() -> None:
    with pytest.raises(ConfigError, match="no such sweep file: ratio-curv.yaml; did you mean 'ratio-curve'"):
        load_sweep("ratio-curv.yaml")


def objective_of(objective: str | None, *overrides: str) -> str:
    return checked_objective(Sweep.model_validate({**GRID, "objective": objective}), compose_config(list(overrides)))


@pytest.mark.parametrize("objective", ["dev/en/entity_f1", "dev/en/span_f1", "dev/en/DRUG/entity_f1"])
def test_a_score_of_the_dev_set_that_selects_may_be_optimised(objective: str) -> None:
    assert objective_of(objective) == objective
    assert objective_of(None) == "train/best_dev_entity_f1"
    assert objective_of("dev/synthetic/span_f1", "method=synthetic", "method.dev=synthetic") == "dev/synthetic/span_f1"


@pytest.mark.parametrize(
    "objective",
    ["test/fr/entity_f1", "dev/fr/entity_f1", "test/mean/entity_f1", "test/en/entity_f1", "dev/synthetic/entity_f1"],
)
def test_another_score_may_not_unless_it_is_an_oracle(objective: str) -> None:
    with pytest.raises(ConfigError, match="under the zero-shot protocol it must be dev/en"):
        objective_of(objective)
    assert objective_of(objective, "protocol=oracle") == objective


@pytest.mark.parametrize("objective", ["dev/en/entity_f9", "entity_f1", "train/loss"])
def test_a_measure_that_no_run_logs_is_refused_before_anything_runs(objective: str) -> None:
    with pytest.raises(ConfigError, match="is not SPLIT/LANGUAGE/MEASURE"):
        objective_of(objective, "protocol=oracle")


@pytest.mark.parametrize("key", ["aligner", "translator", "aligner.prefix"])
def test_a_study_may_not_choose_an_aligner_or_translator_by_downstream_f1(key: str) -> None:
    values = {"aligner": ["hmm", "eflomal"], "translator": ["file", "apertium"], "aligner.prefix": [3, 4]}[key]
    config = compose_config(["method=translate_train"])
    search = Sweep.model_validate({"name": "x", "search": {key: {"choices": values}}, "budget": {"trials": 2}})
    grid = Sweep.model_validate({"name": "x", "grid": {"method": ["translate_train"], key: values}})
    several = [compose_config(["method=translate_train", f"{key}={value}"]) for value in values]
    for sweep, configs in ((grid, several), (search, [config])):
        with pytest.raises(ConfigError, match=f"would choose {key} by downstream F1; rank translators with"):
            check_transfer_choice(sweep, configs)
    check_transfer_choice(search, [compose_config(["method=translate_train", "protocol=oracle"])])
    check_transfer_choice(search, [compose_config(["method=zero_shot"])])
    check_transfer_choice(grid, several[:1])


def test_an_aligner_that_differs_without_a_key_of_its_own_is_seen_and_one_that_is_not_used_is_not() -> None:
    """One grid names it and the other has the default, or presets differ: the cells tell."""
    sweep = Sweep.model_validate({"name": "x", "grid": [{"method": ["translate_train"]}]})
    default, other = (
        compose_config(["method=translate_train"]),
        compose_config(["method=translate_train", "aligner=eflomal"]),
    )
    with pytest.raises(ConfigError, match="would choose aligner by downstream F1"):
        check_transfer_choice(sweep, [default, other])
    check_transfer_choice(sweep, [compose_config(["method=zero_shot", "aligner=eflomal"]), default])
