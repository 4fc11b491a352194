"""Tags and spans: reading IOB1, IOB2 and BIOES the way conlleval does, writing IOB2.

One reader serves all schemes, because conlleval's rules (Tjong Kim Sang & De Meulder 2003,
https://aclanthology.org/W03-0419) give the intended entities for legal IOB1, IOB2 and BIOES alike, and
a defined answer for illegal sequences: an orphan ``I-X`` opens an entity. This is seqeval's default
mode; its strict mode scores the same pair differently (0.50 against 0.67 on an orphan I).
"""

from collections.abc import Sequence
from functools import lru_cache

from harness.values.records import Span

OUTSIDE = "O"
PREFIXES = "BIES"

TokenSpan = tuple[int, int, str]
"""First token, last token + 1, label."""


def tag_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the tag set of a model: O first, then B-X, I-X in the order of the labels."""
    return (OUTSIDE, *(f"{prefix}-{label}" for label in labels for prefix in "BI"))


def is_legal_tag(tag: str) -> bool:
    """Return True if a tag is ``O`` or ``B-X``, ``I-X``, ``E-X``, ``S-X`` with a non-empty X."""
    return tag == OUTSIDE or (len(tag) > 2 and tag[0] in PREFIXES and tag[1] == "-")


def token_spans(tags: Sequence[str]) -> list[TokenSpan]:
    """Read the entities of one tag sequence by conlleval's rules, legal or not.

    Equals seqeval 1.2.2's ``get_entities`` on the same sequence (a property test holds them together),
    except that ends are exclusive. A bare prefix (``B``) has the label ``_``, as in seqeval.
    """
    spans: list[TokenSpan] = []
    previous, previous_label = OUTSIDE, ""
    begin = 0
    for index, tag in enumerate([*tags, OUTSIDE]):
        if tag == previous == OUTSIDE:  # most of all text
            continue
        prefix, label = _parts(tag)
        if _ends(previous, prefix, previous_label, label):
            spans.append((begin, index, previous_label))
        if _starts(previous, prefix, previous_label, label):
            begin = index
        previous, previous_label = prefix, label
    return spans


@lru_cache(maxsize=4096)
def _parts(tag: str) -> tuple[str, str]:
    """Return the prefix and the label of a tag."""
    return tag[0], tag[1:].split("-", maxsplit=1)[-1] or "_"


def _ends(previous: str, prefix: str, previous_label: str, label: str) -> bool:
    if previous in "ES":
        return True
    if previous in "BI" and prefix in "BSO":
        return True
    return previous not in "O." and previous_label != label


def _starts(previous: str, prefix: str, previous_label: str, label: str) -> bool:
    if prefix in "BS":
        return True
    if previous in "ESO" and prefix in "EI":
        return True
    return prefix not in "O." and previous_label != label


def illegal_transitions(tags: Sequence[str]) -> int:
    """Count the ``I-X`` that do not continue an entity of label X (IOB2's only illegal move)."""
    count = 0
    previous = OUTSIDE
    for tag in tags:
        if tag.startswith("I-") and previous[2:] != tag[2:]:
            count += 1
        previous = tag
    return count


def spans_from_tags(tags: Sequence[str], tokens: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
    """Turn tags over tokens into character spans.

    :param tokens: half-open character offsets, one for each tag.
    """
    return tuple(Span(tokens[first][0], tokens[end - 1][1], label) for first, end, label in token_spans(tags))


def tags_from_spans(spans: Sequence[Span], tokens: Sequence[tuple[int, int]]) -> tuple[list[str], int]:
    """Write spans as IOB2 tags over tokens.

    A token belongs to a span when they share a character (the first such span wins). A span that covers
    no token keeps no tag.

    :param spans: sorted, non-overlapping.
    :returns: the tags, and how many spans the tags cannot express exactly (an edge inside a token, a
        span without a token): reading the tags back gives other spans for those.
    """
    tags = [OUTSIDE] * len(tokens)
    inexact = 0
    index = 0
    for span in spans:
        while index < len(tokens) and tokens[index][1] <= span.start:
            index += 1
        first = index
        while index < len(tokens) and tokens[index][0] < span.end:
            tags[index] = f"{'B' if index == first else 'I'}-{span.label}"
            index += 1
        if first == index or tokens[first][0] != span.start or tokens[index - 1][1] != span.end:
            inexact += 1
    return tags, inexact


def join_tokens(tokens: Sequence[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the text of tokens joined by one blank, and the offsets of each token in it.

    Offsets leave out blanks at a token's edge (U+00A0 after a name): gold and predicted entities are both read through
    them, and neither may begin or end with a blank. No token may consist of blanks alone.
    """
    offsets = []
    position = 0
    for token in tokens:
        left = len(token) - len(token.lstrip())
        offsets.append((position + left, position + len(token.rstrip())))
        position += len(token) + 1
    return " ".join(tokens), tuple(offsets)
