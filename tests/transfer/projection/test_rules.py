"""Projection rule by rule, and the properties that must hold for any links."""

from harness.config import ProjectionCard
from harness.transfer.align.words import alignment_text
from harness.transfer.projection.pair import pair_of
from harness.transfer.projection.spans import fate_counts, project_spans
from harness.values.records import Sentence
from tests.transfer.project_cases import labelled, project, surfaces


def test_articles_that_the_source_does_not_have_are_left_out() -> None:
    source, target = labelled("Drinks are good", "Drinks/X"), "Las bebidas son buenas"
    assert surfaces(target, project(source, target, "0-0 0-1 1-2 2-3")) == ["bebidas"]
    assert surfaces(target, project(source, target, "0-0 0-1 1-2 2-3", articles=False)) == ["Las bebidas"]
    assert surfaces("La Palma", project(labelled("The Palm", "The Palm/X"), "La Palma", "0-0 1-1")) == ["La Palma"]


def test_an_article_that_alone_stands_for_a_word_of_the_span_is_kept() -> None:
    source, target = labelled("for one week", "one week/X"), "pendant une semaine"
    assert surfaces(target, project(source, target, "0-0 1-1 2-2", language="fr")) == ["une semaine"]
    half, target = labelled("half a day", "half a day/X"), "une demi journée"
    assert surfaces(target, project(half, target, "0-1 1-0 2-2", language="fr")) == ["demi journée"]
    # 'food' has its noun, the article stands for nothing of it.
    source, target = labelled("good food", "food/X"), "la nourriture bonne"
    assert surfaces(target, project(source, target, "0-2 1-0 1-1", language="fr")) == ["nourriture"]


def in_chinese(source: Sentence, words: str, links: str, *, tokens: bool = False, **rules: object) -> list[str]:
    """Project onto Chinese whose dictionary words are separated by '|'; '_' stands for a blank after one."""
    text, offsets = "", []
    for word in words.split("|"):
        bare = word.rstrip("_")
        offsets.append((len(text), len(text) + len(bare)))
        text += bare + " " * (len(word) - len(bare))
    target = Sentence("1", text, "zh", (), tuple(offsets) if tokens else None)
    made = {(int(i), int(j)): 1.0 for i, _, j in (link.partition("-") for link in links.split())}
    pair = pair_of(
        source, target, made, offsets=(alignment_text(source).offsets, tuple(offsets)),
        rules=ProjectionCard(**rules), function=(frozenset(), frozenset({"药"})),
    )  # fmt: skip
    found = project_spans(pair)
    return surfaces(text, found)


def test_unaligned_characters_belong_to_the_name_they_adjoin() -> None:
    source = labelled("take warfarin daily", "warfarin/DRUG")
    assert in_chinese(source, "服用|华|法|林|每日", "0-0 1-1 2-4") == ["华法林"]
    assert in_chinese(source, "服用|华|法|林|每日", "0-0 1-3 2-4") == ["华法林"]
    assert in_chinese(source, "服用|华|法|林|每日", "0-0 1-1 2-4", characters=False) == ["华"]
    # Not over a particle, a function word, a blank, a longer word, or a character that is linked elsewhere;
    assert in_chinese(source, "服用|华|法|已|每日", "0-0 1-1 2-4") == ["华法"]
    assert in_chinese(source, "服用|华|法|药|每日", "0-0 1-1 2-4") == ["华法"]
    assert in_chinese(source, "服用|华|法_|林|每日", "0-0 1-1 2-4") == ["华法"]
    assert in_chinese(source, "服用|华|法|林林|每日", "0-0 1-1 2-4") == ["华法"]
    assert in_chinese(source, "服用|华|法|林|每日", "0-3 1-1 2-4") == ["华法"]
    # no further than the name's letters can need, and not where the tokens are the corpus's own.
    assert in_chinese(labelled("Li sleeps", "Li/PER"), "李|睡|觉", "0-0") == ["李"]
    assert in_chinese(source, "服用|华|法|林|每日", "0-0 1-1 2-4", tokens=True) == ["华"]
    two = labelled("Anna Maria", "Anna/A", "Maria/B")
    assert in_chinese(two, "安|娜|玛|丽", "0-0 1-3") == ["安娜", "玛丽"]


def test_an_uncovered_word_takes_the_unaligned_neighbour() -> None:
    source, target = labelled("three staff members here", "staff members/X"), "tres miembros personal aquí"
    links = "0-0 2-1 3-3"
    found = project(source, target, links)
    assert surfaces(target, found) == ["miembros personal"]
    assert found.account.sum_of("extended") == 1
    assert surfaces(target, project(source, target, links, extend=False)) == ["miembros"]


def test_a_name_without_links_is_copied_where_it_stands_verbatim() -> None:
    source = labelled("Malmö is nice", "Malmö/LOC")
    found = project(source, "Ayer Malmö", "1-0", anchors=False)
    assert surfaces("Ayer Malmö", found) == ["Malmö"]
    assert fate_counts(found.account)["copied"] == 1
    assert project(source, "Ayer Malmöstad", "1-0").account.sum_of("dropped/unaligned") == 1
    assert project(source, "Ayer Malmö", "1-0", anchors=False, copy_verbatim=False).lost


def test_a_suffix_written_to_the_entity_can_be_left_out() -> None:
    source = labelled("in Ankara", "Ankara/LOC")
    assert surfaces("Ankarada", project(source, "Ankarada", "1-0")) == ["Ankarada"]
    assert surfaces("Ankarada", project(source, "Ankarada", "1-0", narrow=True)) == ["Ankara"]
