import pytest

from harness.report.decision import Wanted
from harness.values.errors import UsageError
from tests.report.decision_cases import decided, scored, study


def test_rows_are_compared_with_zero_shot_of_the_same_encoder() -> None:
    runs = study() + [scored("zero_shot", "0", seed, {"en": 9, "sv": 5, "da": 5}, encoder="f") for seed in (1, 2)]
    runs += [scored("synthetic", "0.1", seed, {"en": 9, "sv": 8, "da": 8 + seed}, encoder="f") for seed in (1, 2)]
    found, names = decided(runs)
    of = {names[number]: names[base] for number, base in enumerate(found.baselines) if base is not None}
    assert of["e synthetic 0.1"] == "e zero_shot 0" and of["f synthetic 0.1"] == "f zero_shot 0"
    assert [names[number] for number in found.order()][:2] == ["e zero_shot 0", "e synthetic 0.2"], "the best first"


def test_a_ratio_of_nothing_is_zero_shot() -> None:
    runs = [scored("synthetic", ratio, 1, {"sv": 50}) for ratio in ("0.1", "0", "0.2")]
    found, names = decided(runs)
    assert {names[base] for base in found.baselines if base is not None} == {"e synthetic 0"}


def test_verdicts_and_ties() -> None:
    found, names = decided(study())
    by = dict(zip(names, found.differences, strict=True))
    assert by["e synthetic 0.1"]["mean"].verdict == "better" and by["e tie 0"]["mean"].verdict == "equal"
    assert by["e synthetic 0.1"]["sv"].value == pytest.approx(0.2)
    assert not by["e zero_shot 0"]
    places = dict(zip(names, found.places["mean"], strict=True))
    assert places["e synthetic 0.1"].group == places["e synthetic 0.2"].group == 1
    assert places["e zero_shot 0"].group == places["e tie 0"].group == 2


def test_notes_say_what_an_interval_covers() -> None:
    found, names = decided(study())
    said = " | ".join(found.notes(names))
    assert "95 % intervals cover seeds and sentences, not languages" in said
    assert "two seeds of one setting differ by 2.3 here" in said and "would narrow them most" in said
    found, names = decided([scored(method, "0", 1, {"sv": 50}) for method in ("zero_shot", "synthetic_only")])
    assert "no verdict where a row has one seed" in " | ".join(found.notes(names))


def test_languages_are_drawn_where_there_are_enough() -> None:
    few, names = decided(study(), Wanted("entity_f1", over_languages=True))
    assert any("too few to speak of others" in note for note in few.notes(names))
    many = [
        scored(method, "0", seed, {f"l{n}": 40 + 5 * n + seed + (20 if method == "x" else 0) for n in range(6)})
        for method in ("zero_shot", "x")
        for seed in (1, 2, 3)
    ]
    found, names = decided(many, Wanted("entity_f1", over_languages=True))
    (difference,) = [by["mean"] for by in found.differences if by]
    assert difference.covers == ("languages", "seeds")
    assert any("cover languages and seeds" in note for note in found.notes(names))


def test_rows_without_counts_and_languages_that_not_all_have_are_told() -> None:
    runs = study()
    record, _ = scored("other", "0", 1, {"sv": 60, "da": 60})
    found, names = decided([*runs, (record, {})])
    assert found.drawn[names.index("e other 0")] is None
    assert any("1 of 5 rows have runs without counts" in note for note in found.notes(names))
    found, names = decided([*runs, scored("less", "0", 1, {"sv": 60}), scored("less", "0", 2, {"sv": 61})])
    assert set(found.differences[names.index("e less 0")]) == {"sv", "mean"}
    assert set(found.differences[names.index("e synthetic 0.1")]) == {"sv", "da", "mean"}, (
        "another row takes nothing away"
    )
    assert any(
        "1 differences are over the test sets that both rows have alone: sv" in note for note in found.notes(names)
    )
    assert found.places["mean"][names.index("e less 0")] is None, "ranked are rows tested on the same sets"


def test_a_row_with_one_run_without_counts_is_in_no_interval() -> None:
    """Its mean has that run, so a difference without it would be of other seeds than the figures beside."""
    runs = study()
    stored = [(record, {} if record.run_id == "synthetic0.1e3" else counts) for record, counts in runs]
    found, names = decided(stored)
    assert found.drawn[names.index("e synthetic 0.1")] is None


def test_tests_of_another_corpus_or_content_are_not_compared() -> None:
    runs = [scored("zero_shot", "0", seed, {"sv": 50 + seed}) for seed in (1, 2)]
    runs += [scored("x", "0", seed, {"sv": 80 + seed}, changed="other") for seed in (1, 2)]
    found, names = decided(runs)
    assert not any(found.differences) and any("no language" in note for note in found.notes(names))
    changed = [scored("zero_shot", "0", 1, {"sv": 50}), scored("zero_shot", "0", 2, {"sv": 50}, changed="x")]
    found, names = decided([*changed, scored("x", "0", 1, {"sv": 50})])
    assert found.drawn[names.index("e zero_shot 0")] is None


def test_tests_of_the_source_by_separate_models_are_no_targets() -> None:
    runs = []
    for method, share in (("zero_shot", 50), ("x", 60)):
        record, stored = scored(method, "0", 1, {"sv": share})
        runs.append((record, stored | {"test.en@sv": scored(method, "0", 1, {"en@sv": 10})[1]["test.en@sv"]}))
    found, _ = decided(runs)
    assert found.languages == ("sv",)


def test_a_model_that_collapsed_in_one_language_counts_in_the_others() -> None:
    runs = study()
    record, stored = next(run for run in runs if run[0].run_id == "synthetic0.1e1")
    lost = record.__class__(record.run_id, record.status, record.params, record.metrics,
                            {**record.tags, "harness.collapsed_languages": "sv"})  # fmt: skip
    found, names = decided([(lost, stored) if run[0] is record else run for run in runs])
    one = found.drawn[names.index("e synthetic 0.1")]
    of = {language: [seed.strip("/") for seed in sample.seeds] for language, sample in one.samples.items()}
    assert of == {"sv": ["2", "3"], "da": ["1", "2", "3"]}
    assert len(one.seeds) == 2, "of the mean"


def test_a_row_without_a_zero_shot_row_is_compared_with_none() -> None:
    runs = [scored("translate_train", "0", seed, {"sv": 60}, encoder="f") for seed in (1, 2)]
    found, names = decided([*study(), *runs])
    assert found.baselines[names.index("f translate_train 0")] is None
    assert any("have no zero-shot row to be compared with" in note for note in found.notes(names))


def test_against_names_one_row() -> None:
    found, names = decided(study(), Wanted("entity_f1", against="method=synthetic,ratio=0.1"))
    assert {names[base] for base in found.baselines if base is not None} == {"e synthetic 0.1"}
    with pytest.raises(UsageError, match="fits 2 rows"):
        decided(study(), Wanted("entity_f1", against="method=synthetic"))
    with pytest.raises(UsageError, match="expected KEY=VALUE"):
        decided(study(), Wanted("entity_f1", against="colour=red"))
