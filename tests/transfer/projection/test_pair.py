"""Projection rule by rule, and the properties that must hold for any links."""

from tests.transfer.project_cases import labelled, project, surfaces


def test_words_that_stand_unchanged_in_both_texts_anchor_the_links() -> None:
    source, target = labelled("Buy the Kodak camera", "Kodak/X"), "Dün bir Kodak aldım"
    assert surfaces(target, project(source, target, "2-1 3-2?", language="tr")) == ["Kodak"]
    assert surfaces(target, project(source, target, "2-1 3-2?", language="tr", anchors=False)) == ["bir"]
    twice = "Kodak dün Kodak"  # which of the two it is, the links must say
    assert project(source, twice, "2-2", language="tr").spans[0].start == 10
    number, target = labelled("room 7 upstairs", "7/X"), "yukarıda oda 7"
    assert surfaces(target, project(number, target, "1-0", language="tr")) == ["7"]
    # Three letters are too few: 'den' is another word in Swedish.
    den, target = labelled("a red den", "den/X"), "en röd den lya"
    assert surfaces(target, project(den, target, "2-3?", language="sv")) == ["lya"]


def test_false_friends_give_way_to_links_of_both_directions() -> None:
    source, target = labelled("against pain with bread", "pain/X"), "contre douleur avec pain"
    assert surfaces(target, project(source, target, "0-0 1-1 2-2 3-3", language="fr")) == ["douleur"]
    assert surfaces(target, project(source, target, "0-0 1-1? 2-2", language="fr")) == ["pain"]
