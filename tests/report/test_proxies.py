"""How well proxies rank: known orders, intervals, ties, and the mark of an oracle."""

import pytest
from scipy import stats

from harness.report.proxies import interval, proxies_table, spearman
from harness.tracking.records import Record
from harness.values.errors import UsageError
from tests.report.collect_cases import record


def run(number: int, source: float, synthetic: float, truth: float) -> Record:
    made = record(number, f1=source, data__source="en")
    scores = {"dev/en/entity_f1": source, "synthetic_dev/sv/entity_f1": synthetic, "dev/sv/entity_f1": truth}
    return Record(made.run_id, made.status, made.params, {**made.metrics, **scores}, made.tags)


RUNS = [
    run(1, 0.9, 0.1, 0.2),
    run(2, 0.7, 0.2, 0.3),
    run(3, 0.8, 0.3, 0.4),
    run(4, 0.6, 0.5, 0.5),
    run(5, 0.5, 0.4, 0.6),
]
CURVES = {
    "train/dev_entity_f1": [0.1, 0.2, 0.3, 0.4], "curve/synthetic_dev/sv/entity_f1": [0.4, 0.3, 0.2, 0.1],
    "curve/dev/sv/entity_f1": [0.1, 0.2, 0.3, 0.4],
}  # fmt: skip


def test_proxies_are_ranked_against_target_dev() -> None:
    table = proxies_table(RUNS, lambda record: {"": CURVES}, "dev", None)
    source, mixture, synthetic = table.details
    truth = [0.2, 0.3, 0.4, 0.5, 0.6]
    assert source["spearman/sv"] == pytest.approx(stats.spearmanr([0.9, 0.7, 0.8, 0.6, 0.5], truth).statistic)
    assert mixture["proxy"] == "dev of the mixture"
    assert synthetic["spearman"] == pytest.approx(0.9)
    assert source["loss"] == pytest.approx(0.4), "source dev chooses the worst"
    assert synthetic["loss"] == pytest.approx(0.1)
    assert (mixture["checkpoints"], synthetic["checkpoints"]) == (1.0, -1.0)
    assert all(row["oracle"] for row in table.details)
    assert "oracle use" in table.notes[0]


def test_oracles_are_left_out_and_other_sentences_refused() -> None:
    oracle = Record("o", "FINISHED", RUNS[0].params, RUNS[0].metrics, {**RUNS[0].tags, "protocol": "oracle"})
    table = proxies_table([*RUNS, oracle], lambda record: {}, "dev", None)
    assert table.details[0]["runs"] == 5 and table.notes[0] == "1 runs that saw target gold are left out"
    other = Record("p", "FINISHED", RUNS[0].params, RUNS[0].metrics, {**RUNS[0].tags, "harness.proxies": "dev.sv=b"})
    first = Record("q", "FINISHED", RUNS[0].params, RUNS[0].metrics, {**RUNS[0].tags, "harness.proxies": "dev.sv=a"})
    with pytest.raises(UsageError, match="scored on different dev.sv sentences"):
        proxies_table([*RUNS, first, other], lambda record: {}, "dev", None)


def test_runs_with_the_same_proxy_score_count_alike() -> None:
    tied = [run(1, 0.5, 0.5, 0.2), run(2, 0.5, 0.5, 0.4), run(3, 0.4, 0.4, 0.1), run(4, 0.3, 0.3, 0.1)]
    assert proxies_table(tied, lambda record: {}, "dev", None).details[0]["loss"] == pytest.approx(0.1)


def test_without_target_gold_or_runs_it_says_so() -> None:
    with pytest.raises(UsageError, match="no finished run was scored on target dev gold.*--truth test"):
        proxies_table([record(n) for n in range(5)], lambda record: {}, "dev", None)
    with pytest.raises(UsageError, match="2 finished runs are too few to rank; 4 at least"):
        proxies_table(RUNS[:2], lambda record: {}, "dev", None)


def test_the_interval_is_wide_for_few_runs_and_stays_within_bounds() -> None:
    low, high = interval(0.8, 10)
    assert -1 < low < 0.8 < high < 1
    assert interval(0.8, 40)[0] > low
    assert interval(1.0, 5) == (1.0, 1.0)
    assert spearman([1, 1, 1], [1, 2, 3]) is None
