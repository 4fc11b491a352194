import csv
import io
import json

import pytest

from harness.report.groups import has_key
from harness.report.render import comma_separated, latex, plain_table, width
from harness.report.table import checked_measures, comparison
from harness.tracking.records import Record
from harness.values.errors import ConfigError, UsageError
from harness.values.markdown import markdown
from tests.report.collect_cases import ROWS, compare, record


def test_collapsed_and_unfinished_runs_are_counted_and_not_averaged() -> None:
    _, row, with_it = compare(
        record(1, f1=0.4),
        record(2, f1=0.0, tags={"harness.collapsed": "no entity"}),
        record(3, f1=0.9, status="FAILED"),
    )
    assert row[2:5] == ["1 (+1 collapsed, 1 unfinished)", "", "40.0"]
    assert with_it[2:5] == ["2 (with 1 collapsed)", "", "20.0 ±28.3"]


def test_a_repeated_run_counts_once() -> None:
    _, row = compare(record(1, f1=0.4), record(1, f1=0.4), record(1, f1=0.9, status="FAILED"))
    assert row[2] == "1"
    assert row[4] == "40.0"


def test_a_key_is_a_parameter_or_tag_of_any_run() -> None:
    records = [record(1, f1=0.4)]
    assert has_key(records, "encoder") and has_key(records, "languages") and not has_key(records, "ration")


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'encoder.name'"):
        compare(record(1), by=("encoder.nam",))


def test_wide_characters_take_two_columns() -> None:
    assert width("阿莫西林") == 8
    lines = plain_table(*ROWS).splitlines()
    assert lines[0] == "name              x"
    assert width(lines[1]) == 19


def test_a_label_is_a_column_and_empty_where_no_run_has_it() -> None:
    labelled = record(1, f1=0.4)
    labelled.metrics["test/sv/PER/entity_f1"] = 0.25
    table = comparison([labelled], ["method"], checked_measures("entity_f1,PER/entity_f1"))
    (entry,) = table.objects()
    assert entry["test/sv/PER/entity_f1"] == 0.25
    assert entry["test/mean/PER/entity_f1"] is None


def test_an_unknown_measure_or_label_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'entity_f1'"):
        checked_measures("entity_f2")
    for text in ("", "PER/span_f1", "/entity_f1"):
        with pytest.raises(UsageError, match="allowed: entity_f1"):
            checked_measures(text)
    labelled = record(1, f1=0.4)
    labelled.metrics["test/sv/PER/entity_f1"] = 0.25
    with pytest.raises(UsageError, match="'PERS/entity_f1': no run was tested on this label.*did you mean 'PER'"):
        comparison([labelled], ["method"], ["PERS/entity_f1"])


def test_objects_keep_full_precision() -> None:
    (entry,) = comparison([record(1, f1=1 / 3)], ["method"], ["entity_f1"]).objects()
    assert json.loads(json.dumps(entry))["test/sv/entity_f1"] == 1 / 3
    assert entry["run_ids"] == ["run1"]


def test_nothing_of_a_name_is_run_or_rendered() -> None:
    hostile = "=cmd|'x'!A1\x1b[31m<script>*_|\n`"
    plain, md = plain_table([hostile], [[hostile]]), markdown([hostile], [[hostile]])
    assert "\x1b" not in plain + md
    assert "<script>" not in md
    assert len(plain.splitlines()) == len(md.splitlines()) == 3
    rows = list(csv.reader(io.StringIO(comma_separated(["a"], [[hostile], ["-1.5"], ["+x"], [0.5]]))))
    assert [row[0][0] for row in rows[1:]] == ["'", "-", "'", "0"]
    assert "\\textbackslash{}" in latex(["a"], [["\\input{x}"]])


def with_steps(number: int, steps: float, **values: object) -> Record:
    made = record(number, **values)
    metrics = {**made.metrics, "train/steps": steps, "train/tokens": 9 * steps, "train/sentences_seen": 3 * steps}
    return Record(made.run_id, made.status, made.params, {**metrics, "train/seconds": 5.0}, made.tags)


def test_what_training_cost_is_shown_and_unequal_budgets_are_said() -> None:
    runs = [with_steps(1, 30), with_steps(2, 30), with_steps(1, 225, method__name="n")]
    table = comparison(runs, ["method"], ["entity_f1"])
    assert [row[table.header.index("steps")] for row in table.formatted()] == ["30", "225"]
    assert "rows were trained for 30 to 225 steps" in table.notes[0]
    assert "a row of one seed says nothing of the spread over seeds" in table.notes
    wide = comparison(runs, ["method"], ["entity_f1"], cost=True)
    assert {"tokens", "sentences", "seconds"} <= set(wide.header)
    assert wide.objects()[1]["tokens"] == 2025
    assert comparison(runs[:2], ["method"], ["entity_f1"]).notes == ()


def test_earlier_runs_of_a_seed_are_counted() -> None:
    table = comparison([record(1, f1=0.4), record(1, f1=0.5), record(2)], ["method"], ["entity_f1"])
    assert table.objects()[0]["repeated"] == 1
    assert "1 earlier runs with the seed of a later one are left out" in table.notes
