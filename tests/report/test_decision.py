import pytest

from harness.report.decision import Wanted
from harness.values.errors import UsageError
from tests.report.decision_cases import decided, scored, study


def test_rows_are_compared_with_zero_shot_of_the_same_encoder() -> None:
    runs = study() + [scored("zero_shot", "0", seed, {"en": 9, "sv": 5, "da": 5}, encoder="f") for seed in (1, 2)]
    runs += [scored("synthetic", "0.1", seed, {"en": 9, "sv": 8, "da": 8 + seed}, encoder="f") for seed in (1, 2)]
    found, names = decided(runs)
    of = {names[number]: names[base] for number, base in enumerate(found.baselines)}
    assert of["e synthetic 0.1"] == "e zero_shot 0" and of["f synthetic 0.1"] == "f zero_shot 0"
    assert [names[number] for number in found.order()][:2] == ["e zero_shot 0", "e synthetic 0.2"], "the best first"


def test_a_ratio_of_nothing_is_zero_shot() -> None:
    runs = [scored("synthetic", ratio, 1, {"sv": 50}) for ratio in ("0.1", "0", "0.2")]
    found, names = decided(runs)
    assert {names[base] for base in found.baselines} == {"e synthetic 0"}


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
    assert "95 % intervals cover seeds, sentences, not languages" in said
    assert "two seeds of one setting differ by 2.3 here" in said and "would narrow it most" in said
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
    assert any("cover languages, seeds" in note for note in found.notes(names))


def test_rows_without_counts_and_languages_that_not_all_have_are_told() -> None:
    runs = study()
    record, _ = scored("other", "0", 1, {"sv": 60, "da": 60})
    found, names = decided([*runs, (record, {})])
    assert found.drawn[names.index("e other 0")] is None
    assert any("1 of 5 rows have no counts" in note for note in found.notes(names))
    found, names = decided([*runs, scored("less", "0", 1, {"sv": 60}), scored("less", "0", 2, {"sv": 61})])
    assert found.languages == ("sv",)
    assert any("not all rows were tested on da" in note for note in found.notes(names))


def test_a_test_set_that_changed_between_seeds_is_in_no_interval() -> None:
    runs = [scored("zero_shot", "0", 1, {"sv": 50}), scored("zero_shot", "0", 2, {"sv": 50}, changed="x")]
    found, _ = decided([*runs, scored("x", "0", 1, {"sv": 50})])
    assert found.drawn[1] is None or found.drawn[0] is None


def test_against_names_one_row() -> None:
    found, names = decided(study(), Wanted("entity_f1", against="method=synthetic,ratio=0.1"))
    assert {names[base] for base in found.baselines} == {"e synthetic 0.1"}
    with pytest.raises(UsageError, match="fits 2 rows"):
        decided(study(), Wanted("entity_f1", against="method=synthetic"))
    with pytest.raises(UsageError, match="expected KEY=VALUE"):
        decided(study(), Wanted("entity_f1", against="colour=red"))
