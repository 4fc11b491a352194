"""Projection rule by rule, and the properties that must hold for any links."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import AlignerCard, ProjectionCard
from harness.machine.store import MemoryStore
from harness.transfer.align.contract import Links, WordPair
from harness.transfer.align.words import alignment_text
from harness.transfer.parallel import align_corpora
from harness.transfer.projection.function_words import frequent_words, function_words
from harness.transfer.projection.markers import mark, read_marks
from harness.transfer.projection.pair import pair_of
from harness.transfer.projection.spans import Projection, fate_counts, project_spans
from harness.transfer.routes import Means, back_route, carry_training
from harness.values.errors import DataError
from harness.values.languages import word_offsets
from harness.values.records import Corpus, Sentence, Span


def labelled(text: str, *surfaces: str, language: str = "en") -> Sentence:
    """A sentence whose surfaces 'words/LABEL' are found from left to right."""
    spans, place = [], 0
    for surface in surfaces:
        words, _, label = surface.rpartition("/")
        start = text.index(words, place)
        spans.append(Span(start, start + len(words), label))
        place = start + len(words)
    return Sentence("1", text, language, tuple(spans))


def project(source: Sentence, target: str, links: str, language: str = "es", **rules: object) -> Projection:
    other = Sentence("1", target, language)
    made: Links = {}
    for link in links.split():
        i, _, j = link.rstrip("?").partition("-")
        made[(int(i), int(j))] = 0.5 if link.endswith("?") else 1.0
    offsets = (alignment_text(source).offsets, alignment_text(other).offsets)
    return project_spans(pair_of(source, other, made, offsets=offsets, rules=ProjectionCard.model_validate(rules)))


def surfaces(target: str, found: Projection) -> list[str]:
    return [target[span.start : span.end] for span in found.spans]


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


def test_two_spans_that_claim_one_token_share_or_lose_it() -> None:
    source = labelled("Sea Bream , Trout", "Sea Bream/X", "Trout/X")
    found = project(source, "besugos , truchas", "0-0 1-0 1-2? 3-2")
    assert surfaces("besugos , truchas", found) == ["besugos", "truchas"]
    merged = project(labelled("New York City", "New York/X", "City/X"), "Nuevayork", "0-0 1-0 2-0")
    assert (len(merged.spans), merged.account.sum_of("merged"), merged.account.sum_of("dropped")) == (1, 1, 0)
    claimed = project(labelled("500 mg", "500/A", "mg/B"), "500mg", "0-0 1-0", anchors=False, copy_verbatim=False)
    assert claimed.account.sum_of("projected") + claimed.account.sum_of("dropped") == 2
    assert claimed.account.sum_of("dropped/claimed") == 1


def test_two_target_runs_are_one_entity_or_both() -> None:
    source, target = labelled("Anna came and Anna left", "Anna/PER"), "Ana vino, luego salió hoy mismo Ana"
    links = "0-0 0-7 1-1 4-4"
    assert surfaces(target, project(source, target, links)) == ["Ana"]
    both = project(source, target, links, pieces="all")
    assert surfaces(target, both) == ["Ana", "Ana"]
    assert (both.account.sum_of("split"), both.account.sum_of("pieces"), fate_counts(both.account)["source"]) == (
        1,
        1,
        1,
    )


def test_further_runs_take_no_token_of_another_entity() -> None:
    source = labelled("Anna Maria Tomas", "Anna Maria/PER", "Tomas/LOC")
    target = "Ana María Tomás y luego Tomás"
    found = project(source, target, "0-0 1-1 2-2 0-5? 1-2?", pieces="all")
    assert [(target[span.start : span.end], span.label) for span in found.spans][:2] == [
        ("Ana María", "PER"),
        ("Tomás", "LOC"),
    ]
    assert not found.lost


def test_a_suffix_written_to_the_entity_can_be_left_out() -> None:
    source = labelled("in Ankara", "Ankara/LOC")
    assert surfaces("Ankarada", project(source, "Ankarada", "1-0")) == ["Ankarada"]
    assert surfaces("Ankarada", project(source, "Ankarada", "1-0", narrow=True)) == ["Ankara"]


def test_unexplained_words_are_where_a_lost_entity_may_stand() -> None:
    found = project(labelled("Bert sees Anna", "Bert/PER"), "Quien mira Ana ?", "1-1 2-2")
    assert found.lost
    assert found.unexplained == ((0, 5),)


WORDS = st.lists(
    st.sampled_from(["la", "casa", "Roma", "Ana", ",", ".", "500", "mg", "vive", "x"]), min_size=1, max_size=9
)


@st.composite
def annotated(draw: st.DrawFn) -> Sentence:
    words = draw(WORDS)
    text = " ".join(words)
    offsets, place = [], 0
    for word in words:
        offsets.append((place, place + len(word)))
        place += len(word) + 1
    spans, start = [], 0
    while start < len(words):
        end = draw(st.integers(start, len(words)))
        if end > start and draw(st.booleans()):
            spans.append(Span(offsets[start][0], offsets[end - 1][1], draw(st.sampled_from(["A", "B"]))))
        start = max(end, start + 1)
    return Sentence("1", text, "es", tuple(spans), tuple(offsets))


@given(annotated())
def test_identity_links_project_every_span_unchanged(source: Sentence) -> None:
    offsets = alignment_text(source).offsets
    links = {(place, place): 1.0 for place in range(len(offsets))}
    target = source.with_spans(())
    found = project_spans(pair_of(source, target, links, offsets=(offsets, offsets)))
    assert found.spans == source.spans
    assert found.account.sum_of("dropped") == 0


@given(annotated(), st.randoms(use_true_random=False))
def test_there_and_back_returns_the_original(source: Sentence, random: object) -> None:
    """The target has the same words in runs of another order; each span stays together."""
    offsets = alignment_text(source).offsets
    # Blocks: each span is one, each other word is one; the target has them reversed.
    blocks, place = [], 0
    for span in source.spans:
        inside = [n for n, (start, _) in enumerate(offsets) if span.start <= start < span.end]
        blocks += [[n] for n in range(place, inside[0])] + [inside]
        place = inside[-1] + 1
    blocks += [[n] for n in range(place, len(offsets))]
    order = [n for block in reversed(blocks) for n in block]
    words = [source.text[slice(*offsets[n])] for n in order]
    made, at = [], 0
    for word in words:
        made.append((at, at + len(word)))
        at += len(word) + 1
    target = Sentence("1", " ".join(words), "es", (), tuple(made))
    links = {(n, place): 1.0 for place, n in enumerate(order)}
    rules = ProjectionCard()
    there = project_spans(pair_of(source, target, links, offsets=(offsets, tuple(made)), rules=rules))
    turned = {(j, i): weight for (i, j), weight in links.items()}
    pair = pair_of(
        target.with_spans(there.spans), source.with_spans(()), turned, offsets=(tuple(made), offsets), rules=rules
    )
    back = project_spans(pair)
    assert back.spans == source.spans


@given(
    annotated(), annotated(), st.dictionaries(st.tuples(st.integers(0, 8), st.integers(0, 8)), st.floats(0.1, 1.0)),
    st.fixed_dictionaries({name: st.booleans() for name in
                           ("anchors", "punctuation", "articles", "extend", "characters", "copy_verbatim", "narrow",
                            "assignment")}),
    st.sampled_from(["best", "all"]),
)  # fmt: skip
def test_the_account_always_adds_up_and_spans_are_sound(
    source: Sentence, other: Sentence, links: Links, switches: dict[str, bool], pieces: str
) -> None:
    one, two = alignment_text(source).offsets, alignment_text(other).offsets
    inside = {(i, j): w for (i, j), w in links.items() if i < len(one) and j < len(two)}
    rules = ProjectionCard(**switches, pieces=pieces)  # type: ignore[arg-type]
    found = project_spans(pair_of(source, other.with_spans(()), inside, offsets=(one, two), rules=rules))
    totals = fate_counts(found.account)
    assert totals["source"] == len(source.spans)
    assert totals["projected"] + totals["dropped"] == len(source.spans)
    assert len(found.spans) == totals["projected"] - totals.get("merged", 0) + totals.get("pieces", 0)
    other.with_spans(found.spans)  # refuses overlapping, empty or blank-edged spans
    for label in {span.label for span in source.spans}:
        own = sum(span.label == label for span in source.spans)
        assert totals[f"{label}/projected"] + totals[f"{label}/dropped"] == own


def test_frequent_words_need_a_corpus() -> None:
    assert frequent_words([["de", "la", "casa"]] * 3) == frozenset()
    words = [["de", f"word{number}", f"other{number}"] for number in range(500)]
    assert frequent_words(words) == {"de"}


def test_frequent_words_of_entities_are_no_function_words() -> None:
    seen: list[tuple[str, bool | None]] = [("Days,", True), ("days", False), ("of", True), *[("of", False)] * 9]
    rare: list[tuple[str, bool | None]] = [("les", True), *[("les", None)] * 9]  # one link in ten tells nothing
    assert function_words(frozenset({"days", "of", "les", "unseen"}), seen + rare) == {"of", "les", "unseen"}


class Given:
    """An aligner whose links are given: the first for the first pair, the second for all others."""

    identity: dict[str, object] = {}  # noqa: RUF012
    learns, by_line = True, False

    def __init__(self, first: Links, others: Links) -> None:
        self._first, self._others = first, others

    def align(self, pairs: list[WordPair]) -> list[Links]:
        return [self._first] + [self._others] * (len(pairs) - 1)


def test_the_words_of_a_narrow_domain_are_carried_with_their_neighbours() -> None:
    """'siku' (days) has no link in one pair; it is as frequent as a function word, but elsewhere in entities."""
    gold, plain = labelled("take 5 days of rest", "5 days/X"), labelled("take 5 days of rest")
    target = Sentence("1", "pumzika siku 5 za", "sw")
    aligner = Given({(0, 0): 1.0, (1, 2): 1.0}, {(0, 0): 1.0, (1, 2): 1.0, (2, 1): 1.0, (3, 3): 1.0})

    def found(annotated: Sentence, spans: tuple[Span, ...]) -> list[str]:
        parallel = align_corpora(aligner, [plain], [target], MemoryStore(), more=[(annotated, target)] * 300)
        return surfaces(target.text, parallel.project([spans], ProjectionCard())[0])

    assert found(gold, gold.spans) == ["siku 5"]
    # What is known of words comes from the annotated pairs, never from what is predicted on the sentences themselves.
    assert found(plain, gold.spans) == ["5"]


@given(annotated(), st.sampled_from(["brackets", "tags"]))
def test_marks_come_back_when_a_translator_keeps_them(source: Sentence, style: str) -> None:
    marked = mark(source, style)
    if not source.spans:
        assert marked is None
        return
    assert marked is not None
    read = read_marks(marked, source, style, [source.surface(span) for span in source.spans])
    assert read is not None
    text, spans = read
    assert text == source.text
    assert [(span.start, span.end) for span in spans] == [(span.start, span.end) for span in source.spans]
    if style == "tags":
        assert spans == source.spans


@pytest.mark.parametrize(("style", "marked"), [
    ("brackets", "Ana vive en Roma"), ("brackets", "[Ana vive en [Roma]"), ("brackets", "[Ana] vive en []"),
    ("brackets", "[Ana] vive en [Roma] [x]"), ("brackets", "[Ana [vive]] en Roma"), ("brackets", "]Ana[ en Roma"),
    ("tags", "<a>Ana</a> vive en <a>Roma</a>"), ("tags", "<a>Ana</b> vive en <b>Roma</a>"), ("tags", "<a>Ana</a> Roma"),
])  # fmt: skip
def test_broken_marks_are_refused(style: str, marked: str) -> None:
    source = labelled("Anna lives in Rome", "Anna/PER", "Rome/LOC")
    assert read_marks(marked, source, style, ["Ana", "Roma"]) is None


def test_marks_find_their_entity_by_likeness_and_by_name() -> None:
    source = labelled("Anna lives in Rome", "Anna/PER", "Rome/LOC")
    text, spans = read_marks("En [ Roma ] vive [Ana].", source, "brackets", ["Ana", "Roma"]) or ("", ())
    assert text == "En Roma vive Ana."
    assert [(text[s.start : s.end], s.label) for s in spans] == [("Roma", "LOC"), ("Ana", "PER")]
    text, spans = read_marks("En < b >Roma</ B> vive <a>Ana</a>", source, "tags") or ("", ())
    assert [(text[s.start : s.end], s.label) for s in spans] == [("Roma", "LOC"), ("Ana", "PER")]
    text, _ = read_marks("en[ Madrid ]si vive[Ana ]ya", source, "brackets", ["Ana", "Madrid"]) or ("", ())
    assert text == "en Madrid si viveAna ya"
    assert mark(labelled("a [b] c", "a/X"), "brackets") is None


class Diagonal:
    """Links word N to word N."""

    identity: dict[str, object] = {"kind": "diagonal"}  # noqa: RUF012
    learns = by_line = False

    def align(self, pairs: list[WordPair]) -> list[Links]:
        return [{(n, n): 1.0 for n in range(min(len(p.source), len(p.target)))} for p in pairs]


def training(*sentences: Sentence) -> Corpus:
    numbered = [Sentence(str(n), s.text, s.language, s.spans, s.tokens) for n, s in enumerate(sentences)]
    return Corpus("toy", "train", "en", tuple(numbered), ("PER", "LOC"))


CORPUS = training(
    labelled("Anna saw Rome", "Anna/PER", "Rome/LOC"), labelled("Bert left", "Bert/PER"), labelled("nobody came"),
    labelled("Carla slept", "Carla/PER"),
)  # fmt: skip
TRANSLATIONS = ["Ana vio Roma", "", "nadie vino", "durmió"]


def means(rules: ProjectionCard) -> Means:
    return Means(Diagonal(), rules, MemoryStore())  # type: ignore[arg-type]


@pytest.mark.parametrize(("lost", "kept"), [("keep", 3), ("drop", 3), ("mask", 3)])
def test_a_training_set_is_carried_over_with_its_account(lost: str, kept: int) -> None:
    carried = carry_training(CORPUS, "es", TRANSLATIONS, means(ProjectionCard(lost=lost)))  # type: ignore[arg-type]
    metrics = carried.metrics()
    assert (metrics["source"], metrics["projected"], metrics["dropped"]) == (4, 3, 1)
    assert metrics["dropped/untranslated"] == metrics["without_translation"] == 1
    assert len(carried.corpus) == kept
    assert carried.corpus.sentences[0].spans == (Span(0, 3, "PER"), Span(8, 12, "LOC"))


def test_sentences_that_lost_an_entity_are_kept_dropped_or_masked() -> None:
    class Nothing(Diagonal):
        identity: dict[str, object] = {"kind": "nothing"}  # noqa: RUF012
        learns = by_line = False

        def align(self, pairs: list[WordPair]) -> list[Links]:
            return [{} for _ in pairs]

    corpus = training(labelled("Anna saw Rome", "Anna/PER"), labelled("nobody came"))
    found = {
        lost: carry_training(
            corpus, "es", ["Ana vio Roma", "nadie vino"], Means(Nothing(), ProjectionCard(lost=lost), MemoryStore())
        )  # type: ignore[arg-type]
        for lost in ("keep", "drop", "mask")
    }
    assert [len(found[lost].corpus) for lost in ("keep", "drop", "mask")] == [2, 1, 2]
    assert found["drop"].counts["dropped_sentences"] == 1
    assert found["mask"].corpus.sentences[0].unknown == ((0, 3), (4, 7), (8, 12))
    assert found["keep"].corpus.sentences[0].unknown == ()


def test_masked_words_do_not_train(tiny_bert: Path) -> None:
    import numpy as np

    from harness.model.encoding import IGNORED, EncodedSentence, gold_tags

    sentence = Sentence("1", "ana vio roma", "es", (Span(8, 12, "LOC"),), None, ((0, 3),))
    words = word_offsets(sentence.text)
    encoded = EncodedSentence(words, np.arange(3, dtype=np.int32), np.arange(3, dtype=np.int32))
    tags, _ = gold_tags([sentence], [encoded], {"O": 0, "B-LOC": 1, "I-LOC": 2})
    assert tags[0].tolist() == [IGNORED, 0, 1]
    assert Sentence("1", "a b", "es", (), None, ((0, 1),)).with_spans(()).unknown == ((0, 1),)


def test_markers_are_counted_and_fall_back_to_links() -> None:
    def translate(texts: list[str]) -> tuple[list[str], dict[str, int]]:
        known = {"[Anna] saw [Rome]": "[Ana] vio [Roma]", "[Bert] left": "Berto partió", "Anna": "Ana", "Rome": "Roma",
                 "Bert": "Berto", "[Carla] slept": "[Carla] durmió", "Carla": "Carla"}  # fmt: skip
        return [known[text] for text in texts], {}

    texts = ["Ana vio Roma", "Berto partió", "nadie vino", "Carla durmió"]
    rules = ProjectionCard(markers="brackets")
    carried = carry_training(CORPUS, "es", texts, means(rules), translate=translate)  # type: ignore[arg-type]
    counts = carried.counts
    assert (counts["markers_kept"], counts["markers_broken"], counts["markers_impossible"]) == (2, 1, 0)
    assert fate_counts(carried.account)["marked"] == 3
    assert carried.account.sum_of("projected") == 4
    assert [s.surface(s.spans[0]) for s in carried.corpus.sentences if s.spans] == ["Ana", "Berto", "Carla"]


def test_predictions_come_back_onto_the_untouched_text() -> None:
    test = Corpus("toy", "test", "es", (Sentence("1", "Ana  vio Roma", "es"), Sentence("2", "x", "es")), ("PER", "LOC"))
    route = back_route(test, "en", ["Anna saw Rome", ""], means(ProjectionCard()))
    assert [sentence.text for sentence in route.translated] == ["Anna saw Rome", ""]
    spans, counts = route.back([(Span(0, 4, "PER"), Span(9, 13, "LOC")), ()])
    assert spans == [(Span(0, 3, "PER"), Span(9, 13, "LOC")), ()]
    assert (counts["projected"], counts["without_translation"]) == (2, 1)
    with pytest.raises(DataError, match=r"has 2 sentences and 1 translations"):
        back_route(test, "en", ["Anna saw Rome"], means(ProjectionCard()))


def test_cards_refuse_what_cannot_work() -> None:
    with pytest.raises(ValueError, match=r"aligner\.path is missing"):
        AlignerCard(name="x", kind="embedding")
