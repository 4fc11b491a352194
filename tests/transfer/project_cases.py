"""What the tests of several files share."""

from hypothesis import strategies as st

from harness.config import ProjectionCard
from harness.transfer.align.contract import Links
from harness.transfer.align.words import alignment_text
from harness.transfer.projection.pair import pair_of
from harness.transfer.projection.spans import Projection, project_spans
from harness.values.records import Sentence, Span


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
