from harness.tracking.records import Record
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


def test_a_seed_far_below_its_row_has_collapsed_and_the_row_is_shown_with_and_without() -> None:
    header, without, with_it = compare(
        record(1, f1=0.6), record(2, f1=0.5), record(3, f1=0.7), record(4, f1=0.2, method__name="m")
    )
    seeds, language = header.index("seeds"), header.index("sv")
    assert (without[seeds], without[language]) == ("3 (+1 collapsed)", "60.0 ±10.0")
    assert (with_it[seeds], with_it[language]) == ("4 (with 1 collapsed)", "50.0 ±21.6")


def test_two_seeds_cannot_tell_which_one_is_odd_and_a_weak_row_is_no_collapse() -> None:
    assert len(compare(record(1, f1=0.9), record(2, f1=0.1))) == 2
    assert len(compare(record(1, f1=0.02), record(2, f1=0.03), record(3, f1=0.02))) == 2


def test_of_separate_models_only_the_language_of_the_collapsed_one_is_left_out() -> None:
    def separate(number: int, tags: dict[str, str], **metrics: float) -> Record:
        made = record(number, f1=0.5, tags=tags)
        scores = {name.replace("__", "/"): value for name, value in metrics.items()}
        return Record(made.run_id, made.status, made.params, {**made.metrics, **scores, "model/count": 2.0}, made.tags)

    header, row, with_it = compare(
        separate(1, {"languages": "en,sv,sw"}, test__sv__entity_f1=0.5, test__sw__entity_f1=0.4, test__mean__entity_f1=0.45),
        separate(
            2, {"languages": "en,sv,sw", "harness.collapsed": "sv/no entity was found", "harness.collapsed_languages": "sv"},
            test__sv__entity_f1=0.0, test__sw__entity_f1=0.6, test__mean__entity_f1=0.3,
        ),
    )  # fmt: skip
    cells = dict(zip(header, row, strict=True))
    assert (cells["sv"], cells["sw"], cells["mean"]) == ("50.0", "50.0 ±14.1", "45.0")
    assert cells["seeds"] == "2 (+1 of them in some languages)"
    cells = dict(zip(header, with_it, strict=True))
    assert (cells["seeds"], cells["sv"]) == ("2 (with 1 collapsed)", "25.0 ±35.4")


def test_seeds_set_apart_are_repetitions_of_one_row_and_not_of_rows_without() -> None:
    header, *rows = compare(
        record(1, f1=0.4, seeds__data=1), record(1, f1=0.6, seeds__data=2), record(1, f1=0.9), record(2, f1=0.9)
    )
    assert "seeds.apart" in header
    seeds = header.index("seeds")
    assert sorted((row[header.index("seeds.apart")], row[seeds]) for row in rows) == [("", "2"), ("seeds.data", "2")]


def test_runs_that_saw_test_sentences_are_rows_of_their_own() -> None:
    header, *rows = compare(record(1), record(2, tags={"harness.leaks": "sv.test: 60 of 60 sentences (60 exact)"}))
    assert len(rows) == 2 and "harness.leaks" in header
    header, row = compare(record(1, tags={"harness.leaks": "sv.test: 60 of 60 sentences (60 exact)"}))
    assert "sv.test: 60 of 60 sentences (60 exact)" in row
