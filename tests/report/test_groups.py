from tests.report.collect_cases import compare, record


def test_a_row_is_mean_and_sample_deviation_over_seeds() -> None:
    header, row = compare(record(1, f1=0.4), record(2, f1=0.6))
    # mean 50, sample sd of 40 and 60 is 14.14
    assert dict(zip(header, row, strict=True)) == {
        "encoder": "e", "method": "m", "seeds": "2", "M params": "", "sv": "50.0 ±14.1", "mean": "50.0 ±0.0"
    }  # fmt: skip


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
