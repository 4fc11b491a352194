import pytest

from harness.report.fit import fitted, sorted_by
from harness.report.render import FORMATS
from harness.values.errors import UsageError
from harness.values.table import Column, Figure, Table

LANGUAGES = ("en", "fr", "de", "es", "sw", "tr", "ar", "hi", "zh")


def wide(languages: tuple[str, ...] = LANGUAGES) -> Table:
    columns = [Column("encoder", "encoder"), Column("method", "method"), Column("steps", "steps", "count")]
    columns += [Column(f"test/{language}/entity_f1", language, "score") for language in (*languages, "mean")]
    rows = tuple(
        ("a-long-encoder", method, Figure(90.0), *(Figure(value, 0.01) for _ in range(len(languages) + 1)))
        for method, value in (("one", 0.5), ("two", 0.6))
    )
    return Table(tuple(columns), rows, [{}, {}], ("first",))


def test_a_narrow_table_stays_as_it_is() -> None:
    table = wide(("en",))
    assert fitted(table) is table


def test_what_is_the_same_in_all_rows_goes_first_then_deviations_then_languages() -> None:
    table = fitted(wide(), 100)
    assert table.header == ["method", *LANGUAGES, "mean"]
    assert all(len(line) <= 100 for line in FORMATS["table"](table).splitlines())
    assert table.formatted()[0][1] == "50.0" and table.formatted()[0][-1] == "50.0 ±1.0"
    assert "all rows: encoder a-long-encoder, steps 90" in table.notes and table.notes[0] == "first"
    narrow = fitted(wide(), 50)
    assert narrow.header[0] == "method" and narrow.header[-1] == "mean" and "en" not in narrow.header
    assert any("languages are left out to fit 50 columns" in note for note in narrow.notes)


def test_rows_are_sorted_by_a_column() -> None:
    assert [row[1] for row in sorted_by(wide(), "mean").rows] == ["two", "one"]
    assert sorted_by(wide(), "test/fr/entity_f1").rows[0][1] == "two"
    with pytest.raises(UsageError, match="no such column"):
        sorted_by(wide(), "encoder")
