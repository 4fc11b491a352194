"""Repair rules of projection: each looks at the pair and moves a window."""

from collections.abc import Mapping, Sequence

import regex

from harness.config import ProjectionCard
from harness.transfer.align.contract import Links
from harness.transfer.projection.tokens import TextTokens
from harness.transfer.projection.windows import Window
from harness.values.records import Span

SURE = 0.75
"""Weight of a link that both directions found."""


LETTERS_PER_CHARACTER = 2
"""A name of so many letters takes at most one character, Chinese for its sound."""


def anchor(links: Links, first: TextTokens, second: TextTokens) -> Links:
    """Link the words that can only be each other, and drop what else they were linked to.

    Common words may be false friends ('pain' in English and French): they give way to links the aligner is sure of.
    """
    ours, theirs = first.anchors(), second.anchors()
    sure = [link for link, weight in links.items() if weight >= SURE]
    pairs = {}
    for key, i in ours.items():
        j = theirs.get(key)
        if j is None or key in first.function or key in second.function:
            continue
        known = any((i == one) != (j == other) for one, other in sure)
        if not known or (first.is_marked(i) and second.is_marked(j)):
            pairs[i] = j
    targets = set(pairs.values())
    kept = {(i, j): weight for (i, j), weight in links.items() if i not in pairs and j not in targets}
    return kept | dict.fromkeys(pairs.items(), 1.0)


def trim_edges(
    window: Window,
    tokens: range,
    first: TextTokens,
    second: TextTokens,
    by_source: Mapping[int, Mapping[int, float]],
    by_target: Mapping[int, Mapping[int, float]],
    rules: ProjectionCard,
) -> tuple[int, int] | None:
    start, end = window.start, window.end

    def counts(place: int) -> bool:
        """Tell whether an article alone stands for a word of the span: 'une' for 'one' in 'one week'."""
        return any(
            i in tokens and not first.is_article(i) and [j for j in by_source[i] if start <= j < end] == [place]
            for i in by_target.get(place, {})
        )

    if rules.articles and not first.is_article(tokens.start):
        while end - start > 1 and second.is_article(start) and not counts(start):
            start += 1
    if rules.punctuation:
        while start < end and second.is_edge_punctuation(start) and not first.is_edge_punctuation(tokens.start):
            start += 1
        while start < end and second.is_edge_punctuation(end - 1) and not first.is_edge_punctuation(tokens.stop - 1):
            end -= 1
    return (start, end) if start < end else None


def extend_windows(
    windows: dict[int, tuple[int, int]],
    covered: Sequence[tuple[int, int] | None],
    first: TextTokens,
    second: TextTokens,
    by_source: Mapping[int, Mapping[int, float]],
    by_target: Mapping[int, Mapping[int, float]],
) -> set[int]:
    """Take the unaligned word beside a window for each uncovered word of its source span; changes ``windows``."""
    extended = set()
    for number in sorted(windows):
        start, end = windows[number]
        tokens = covered[number]
        assert tokens is not None
        others = [edges for other, edges in windows.items() if other != number]
        missing = sum(
            not (i in by_source or first.is_grammatical(i) or first.is_edge_punctuation(i)) for i in range(*tokens)
        )
        for step in (1, -1):
            if not missing:
                break
            place = _neighbour(end if step == 1 else start - 1, step, second, by_target, others)
            if place is not None:
                start, end = (start, place + 1) if step == 1 else (place, end)
                missing -= 1
                extended.add(number)
        windows[number] = (start, end)
    return extended


def _neighbour(
    place: int,
    step: int,
    second: TextTokens,
    by_target: Mapping[int, Mapping[int, float]],
    others: Sequence[tuple[int, int]],
) -> int | None:
    """Return the next unaligned content word in a direction, over unaligned function words, within the clause."""
    while 0 <= place < len(second):
        edge = place - 1 if step == 1 else place
        taken = any(start <= place < end for start, end in others)
        if taken or place in by_target or second.crossing(edge) or second.is_edge_punctuation(place):
            return None
        if second.keys[place] not in second.function:
            return place
        place += step
    return None


def extend_by_characters(
    windows: dict[int, tuple[int, int]],
    surfaces: Sequence[str],
    second: TextTokens,
    by_target: Mapping[int, Mapping[int, float]],
) -> set[int]:
    """Take the unaligned characters beside a window that begins or ends with a character; changes ``windows``."""
    extended = set()
    for number in sorted(windows):
        start, end = windows[number]
        most = -(-sum(map(str.isalnum, surfaces[number])) // LETTERS_PER_CHARACTER)
        others = [edges for other, edges in windows.items() if other != number]
        for step in (1, -1):
            while second.offsets[end - 1][1] - second.offsets[start][0] < most:
                edge = end - 1 if step == 1 else start
                place = edge + step
                if not 0 <= place < len(second) or place in by_target or second.is_particle(place):
                    break
                if not (second.is_character(place) and second.is_character(edge) and second.touch(min(place, edge))):
                    break
                if any(one <= place < other for one, other in others):
                    break
                start, end = min(start, place), max(end, place + 1)
        if (start, end) != windows[number]:
            windows[number] = (start, end)
            extended.add(number)
    return extended


def narrow(surface: str, text: str, start: int, end: int) -> tuple[int, int]:
    """Return the part of a single token that equals the source surface, where suffixes are written to it."""
    covered = text[start:end]
    found = covered.casefold().find(surface.casefold())
    if found < 0 or len(covered.casefold()) != len(covered) or any(char.isspace() for char in covered):
        return start, end
    return start + found, start + found + len(surface)


def copy_verbatim(surface: str, text: str, made: Sequence[Span]) -> tuple[int, int] | None:
    """Return where a surface stands verbatim as whole words, outside what is already an entity."""
    pattern = regex.compile(rf"(?<![\p{{L}}\p{{N}}]){regex.escape(surface)}(?![\p{{L}}\p{{N}}])")
    for match in pattern.finditer(text):
        if all(match.end() <= span.start or span.end <= match.start() for span in made):
            return int(match.start()), int(match.end())
    return None
