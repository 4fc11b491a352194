import csv
import io
import json

import pytest

from harness.report.groups import has_key
from harness.report.render import comma_separated, latex, plain_table, width
from harness.report.table import comparison
from harness.tracking.records import Record
from harness.values.errors import ConfigError, UsageError
from harness.values.markdown import markdown
from harness.workflows.choose import best_run


def record(number: int, *, status: str = "FINISHED", tags: dict[str, str] | None = None, **values: object) -> Record:
    params = {"encoder.name": "e", "method.name": "m", "method.ratio": "0.1", "seed": str(number), "data.name": "d"}
    params |= {key.replace("__", "."): str(value) for key, value in values.items() if key != "f1"}
    metrics = {
        "test/sv/entity_f1": float(values.get("f1", 0.5)),
        "test/mean/entity_f1": 0.5,
        "train/best_dev_entity_f1": float(values.get("f1", 0.5)),
    }  # type: ignore[arg-type]
    base = {"languages": "en,sv", "protocol": "zero_shot", "harness.command": "x", "harness.checkpoint": "kept"}
    return Record(f"run{number}", status, params, metrics, base | (tags or {}))


def compare(*records: Record, by: tuple[str, ...] = ("encoder", "method")) -> list[list[str]]:
    table = comparison(records, by, ["entity_f1"])
    header, rows = table.header, table.formatted()
    return [header, *rows]


def test_a_row_is_mean_and_sample_deviation_over_seeds() -> None:
    header, row = compare(record(1, f1=0.4), record(2, f1=0.6))
    # mean 50, sample sd of 40 and 60 is 14.14
    assert dict(zip(header, row, strict=True)) == {
        "encoder": "e", "method": "m", "seeds": "2", "M params": "", "sv": "50.0 ±14.1", "mean": "50.0 ±0.0"
    }  # fmt: skip


def test_collapsed_and_unfinished_runs_are_counted_and_not_averaged() -> None:
    _, row = compare(
        record(1, f1=0.4),
        record(2, f1=0.0, tags={"harness.collapsed": "no entity"}),
        record(3, f1=0.9, status="FAILED"),
    )
    assert row[2:5] == ["1 (+1 collapsed, 1 unfinished)", "", "40.0"]


def test_a_repeated_run_counts_once() -> None:
    _, row = compare(record(1, f1=0.4), record(1, f1=0.4), record(1, f1=0.9, status="FAILED"))
    assert row[2] == "1"
    assert row[4] == "40.0"


def test_nothing_but_seeds_is_averaged() -> None:
    header, *rows = compare(
        record(1, method__size=10, f1=0.1), record(1, method__size=90, f1=0.9), record(2, method__size=90, f1=0.7)
    )
    assert header[:3] == ["encoder", "method", "method.size"]
    assert [(row[2], row[3], row[5]) for row in rows] == [("10", "1", "10.0"), ("90", "2", "80.0 ±14.1")]


def test_oracles_are_rows_of_their_own_and_marked() -> None:
    header, *rows = compare(record(1), record(2, tags={"protocol": "oracle"}))
    assert header[2] == "protocol"
    assert [row[2] for row in rows] == ["zero_shot", "oracle"]


def test_a_key_is_a_parameter_or_tag_of_any_run() -> None:
    records = [record(1, f1=0.4)]
    assert has_key(records, "encoder") and has_key(records, "languages") and not has_key(records, "ration")


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'encoder.name'"):
        compare(record(1), by=("encoder.nam",))


def test_the_best_run_is_chosen_on_dev_among_sound_kept_zero_shot_runs() -> None:
    runs = [
        record(1, f1=0.5), record(2, f1=0.6), record(3, f1=0.9, tags={"protocol": "oracle"}),
        record(4, f1=0.8, tags={"harness.collapsed": "x"}), record(5, f1=0.8, tags={"harness.checkpoint": "none"}),
        record(6, f1=0.8, status="KILLED"),
    ]  # fmt: skip
    assert best_run(runs).run_id == "run2"
    with pytest.raises(UsageError, match="has kept its checkpoint"):
        best_run(runs[3:])
    with pytest.raises(UsageError, match="cannot be compared; name one experiment"):
        best_run([record(1), record(2, data__name="other")])


ROWS = (["name", "x"], [["a|b & c_d", "1.0 ±0.5"], ["阿莫西林", ""]])


def test_tables_escape_what_their_format_needs() -> None:
    assert "a\\|b" in markdown(*ROWS)
    assert r"a|b \& c\_d & 1.0 $\pm$0.5 \\" in latex(*ROWS)
    assert list(csv.reader(io.StringIO(comma_separated(*ROWS)))) == [ROWS[0], *ROWS[1]]


def test_wide_characters_take_two_columns() -> None:
    assert width("阿莫西林") == 8
    lines = plain_table(*ROWS).splitlines()
    assert lines[0] == "name              x"
    assert width(lines[1]) == 19


def test_objects_keep_full_precision() -> None:
    (entry,) = comparison([record(1, f1=1 / 3)], ["method"], ["entity_f1"]).objects()
    assert json.loads(json.dumps(entry))["test/sv/entity_f1"] == 1 / 3
    assert entry["run_ids"] == ["run1"]


def test_other_data_label_maps_and_scorers_are_other_rows() -> None:
    same = {"data__digest": "aa", "data__tests": "sv=11,en=22"}
    _, *rows = compare(record(1, f1=0.4, **same), record(2, f1=0.6, **same))
    assert len(rows) == 1
    header, *rows = compare(record(1, **same), record(2, data__digest="bb", data__tests="sv=33,en=22"))
    assert "data.tests" in header
    assert len(rows) == 2
    header, *rows = compare(record(1, **same), record(2, data__digest="cc", data__tests="sv=11,en=22"))
    assert "data.digest" in header  # the same tests, other training data or labels
    assert len(rows) == 2
    _, *rows = compare(
        record(
            1,
            **same,
        ),
        record(2, tags={"scorer": "strict"}, **same),
    )
    assert len(rows) == 2


def test_the_corpus_has_a_column_where_corpora_differ_even_between_methods() -> None:
    header, *rows = compare(
        record(1, data__tests="sv=11", data__targets="sv"),
        record(1, data__name="other", method__name="n", data__tests="sv=33", data__targets="sv,da"),
    )
    assert header[:3] == ["encoder", "method", "data.name"]
    assert [row[2] for row in rows] == ["d", "other"]
    assert "data.targets" not in header


def test_nothing_of_a_name_is_run_or_rendered() -> None:
    hostile = "=cmd|'x'!A1\x1b[31m<script>*_|\n`"
    plain, md = plain_table([hostile], [[hostile]]), markdown([hostile], [[hostile]])
    assert "\x1b" not in plain + md
    assert "<script>" not in md
    assert len(plain.splitlines()) == len(md.splitlines()) == 3
    rows = list(csv.reader(io.StringIO(comma_separated(["a"], [[hostile], ["-1.5"], ["+x"], [0.5]]))))
    assert [row[0][0] for row in rows[1:]] == ["'", "-", "'", "0"]
    assert "\\textbackslash{}" in latex(["a"], [["\\input{x}"]])


def test_rows_of_one_corpus_are_told_apart_even_where_another_corpus_is_there() -> None:
    header, *rows = compare(
        record(1, f1=0.5, data__name="A", data__digest="d1", data__tests="sv=11"),
        record(1, f1=0.7, data__name="A", data__digest="d2", data__tests="sv=22"),
        record(1, f1=0.9, data__name="B", data__digest="d3", data__tests="sv=33"),
    )
    assert len(rows) == 3
    assert len({tuple(row[: header.index("seeds")]) for row in rows}) == 3


def test_translations_of_other_content_are_other_rows_and_named_only_where_nothing_else_tells_them_apart() -> None:
    header, *rows = compare(record(1, data__translated="aa", f1=0.4), record(2, data__translated="bb", f1=0.6))
    assert len(rows) == 2
    assert "data.translated" in header
    header, *rows = compare(
        record(1, data__translated="aa", translator__name="x"), record(2, data__translated="bb", translator__name="y")
    )
    assert len(rows) == 2
    assert "data.translated" not in header
