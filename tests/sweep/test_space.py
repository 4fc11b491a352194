from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.sweep.space import Sweep, as_overrides, cells, checked_objective, load_sweep

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
        ("name: x", "give either 'grid' or 'search'"),
        ("name: x\ngrid: {seed: [1]}", "list seeds under 'seeds'"),
        ("name: x\ngrid: {method: [a]}\nbugdet: {}", "bugdet: no such key; did you mean 'budget'"),
        ("name: x\nsearch: {a: {low: 1}}\nbudget: {trials: 1}", "give either low and high, or choices"),
        ("name: x\nsearch: {a: {low: 0, high: 1, log: true}}\nbudget: {trials: 1}", "log needs low above 0"),
        ("name: x\nsearch: {a: {low: 0, high: 1}}", "a search needs budget"),
        ("name: x\ngrid: {method: [a]}\npruner: {name: median}", "nothing is pruned"),
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


@pytest.mark.parametrize("objective", [None, "dev/en/entity_f1", "dev/en/span_f1", "dev/synthetic/entity_f1"])
def test_a_dev_score_of_the_source_may_be_optimised(objective: str | None) -> None:
    sweep = Sweep.model_validate({**GRID, "objective": objective})
    assert checked_objective(sweep, "en", "zero_shot", ["sv"]) == (objective or "dev/en/entity_f1")


@pytest.mark.parametrize("objective", ["test/sv/entity_f1", "dev/sv/entity_f1", "test/mean/entity_f1", "test/en/entity_f1", "train/loss"])
def test_a_score_that_has_seen_target_gold_may_not_unless_it_is_an_oracle(objective: str) -> None:
    sweep = Sweep.model_validate({**GRID, "objective": objective})
    with pytest.raises(ConfigError, match="under the zero-shot protocol it must be dev/en"):
        checked_objective(sweep, "en", "zero_shot", ["sv"])
    assert checked_objective(sweep, "en", "oracle", ["sv"]) == objective
