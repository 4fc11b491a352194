"""Projection rule by rule, and the properties that must hold for any links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.transfer.projection.markers import mark, read_marks
from harness.values.records import Sentence
from tests.transfer.project_cases import annotated, labelled


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
