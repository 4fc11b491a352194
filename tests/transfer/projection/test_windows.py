"""Projection rule by rule, and the properties that must hold for any links."""

from tests.transfer.project_cases import labelled, project, surfaces


def test_gaps_are_bridged_up_to_the_limit() -> None:
    source, target = labelled("house special roll", "house special roll/X"), "rollo especial de la casa"
    links = "0-4 1-1 2-0"
    assert surfaces(target, project(source, target, links)) == [target]
    assert surfaces(target, project(source, target, links, gaps=1)) == ["rollo especial"]


def test_a_token_linked_elsewhere_is_an_outlier() -> None:
    source = labelled("orange juice costs much today", "orange juice/X")
    target = "zumo de naranja cuesta mucho hoy"
    assert surfaces(target, project(source, target, "0-2 1-0 2-3 3-4 4-5 0-5?")) == ["zumo de naranja"]


def test_a_clause_mark_is_not_crossed_unless_the_source_crosses_one() -> None:
    source, target = labelled("horse mackerel and tuna", "horse mackerel/X"), "jurel, atún"
    assert surfaces(target, project(source, target, "0-0 1-0 1-2")) == ["jurel"]
    assert surfaces(target, project(source, target, "0-0 1-0 1-2", punctuation=False)) == ["jurel, atún"]
    crossed = labelled("crab, small", "crab, small/X")
    assert surfaces("cangrejo, pequeño", project(crossed, "cangrejo, pequeño", "0-0 2-2")) == ["cangrejo, pequeño"]
    number = labelled("0.5 mg of it", "0.5 mg/X")
    assert surfaces("0,5 mg", project(number, "0,5 mg", "0-0 2-2 3-3")) == ["0,5 mg"]
