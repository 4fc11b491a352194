"""Repair rules of projection: each looks at a pair of texts and returns another placement.

A rule is switched by the key of its name in ``method.projection``; :data:`RULES` is their order.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import regex

from harness.transfer.projection.pair import Edges, Pair, Placement
from harness.values.records import Span

LETTERS_PER_CHARACTER = 2
"""A name of so many letters takes at most one character, Chinese for its sound."""


def trim(pair: Pair, placement: Placement) -> Placement:
    """Take articles and punctuation off the edges of windows; a window with nothing else in it is dropped."""
    trimmed = {number: trim_edges(pair, number, edges) for number, edges in placement.windows.items()}
    return replace(placement, windows={number: edges for number, edges in trimmed.items() if edges})


def trim_edges(pair: Pair, number: int, edges: Edges) -> Edges | None:
    """Take articles and punctuation that the source span does not have off the edges of one window."""
    start, end = edges
    tokens, first, second = pair.tokens(number), pair.first, pair.second
    if pair.rules.articles and not first.is_article(tokens.start):
        while end - start > 1 and second.is_article(start) and not _stands_alone(pair, tokens, start, (start, end)):
            start += 1
    if pair.rules.punctuation:
        while start < end and second.is_edge_punctuation(start) and not first.is_edge_punctuation(tokens.start):
            start += 1
        while start < end and second.is_edge_punctuation(end - 1) and not first.is_edge_punctuation(tokens.stop - 1):
            end -= 1
    return (start, end) if start < end else None


def _stands_alone(pair: Pair, tokens: range, place: int, edges: Edges) -> bool:
    """Return True where an article alone stands for a word of the span: 'une' for 'one' in 'one week'."""
    start, end = edges
    return any(
        i in tokens and not pair.first.is_article(i) and [j for j in pair.from_source[i] if start <= j < end] == [place]
        for i in pair.from_target.get(place, {})
    )


def extend(pair: Pair, placement: Placement) -> Placement:
    """Take the unaligned word next to a window for each source word of its span that has no link."""
    windows, extended = dict(placement.windows), set(placement.extended)
    for number in sorted(windows):
        start, end = windows[number]
        others = [edges for other, edges in windows.items() if other != number]
        missing = sum(
            not (i in pair.from_source or pair.first.is_grammatical(i) or pair.first.is_edge_punctuation(i))
            for i in pair.tokens(number)
        )
        for step in (1, -1):
            if not missing:
                break
            place = _neighbour(pair, end if step == 1 else start - 1, step, others)
            if place is not None:
                start, end = (start, place + 1) if step == 1 else (place, end)
                missing -= 1
                extended.add(number)
        windows[number] = (start, end)
    return Placement(windows, frozenset(extended))


def _neighbour(pair: Pair, place: int, step: int, others: Sequence[Edges]) -> int | None:
    """Return the next unaligned content word in a direction, over unaligned function words, within the clause."""
    second = pair.second
    while 0 <= place < len(second):
        edge = place - 1 if step == 1 else place
        taken = any(start <= place < end for start, end in others)
        if taken or pair.is_linked(place) or second.crossing(edge) or second.is_edge_punctuation(place):
            return None
        if second.keys[place] not in second.function:
            return place
        place += step
    return None


def characters(pair: Pair, placement: Placement) -> Placement:
    """Take the unaligned characters next to a window that begins or ends with a character."""
    windows, extended = dict(placement.windows), set(placement.extended)
    for number in sorted(windows):
        others = [edges for other, edges in windows.items() if other != number]
        edges = _with_characters(pair, pair.source.surface(pair.source.spans[number]), windows[number], others)
        if edges != windows[number]:
            windows[number] = edges
            extended.add(number)
    return Placement(windows, frozenset(extended))


def _with_characters(pair: Pair, surface: str, edges: Edges, others: Sequence[Edges]) -> Edges:
    start, end = edges
    second = pair.second
    most = -(-sum(map(str.isalnum, surface)) // LETTERS_PER_CHARACTER)
    for step in (1, -1):
        while second.offsets[end - 1][1] - second.offsets[start][0] < most:
            edge = end - 1 if step == 1 else start
            place = edge + step
            if not 0 <= place < len(second) or pair.is_linked(place) or second.is_particle(place):
                break
            if not (second.is_character(place) and second.is_character(edge) and second.touch(min(place, edge))):
                break
            if any(first <= place < last for first, last in others):
                break
            start, end = min(start, place), max(end, place + 1)
    return start, end


Rule = Callable[[Pair, Placement], Placement]

RULES: dict[str, Rule] = {"trim": trim, "extend": extend, "characters": characters}
"""In the order they run; ``trim`` always does, and looks at ``articles`` and ``punctuation`` itself."""


def repair(pair: Pair, placement: Placement) -> Placement:
    """Run the rules that are switched on."""
    for name, rule in RULES.items():
        if getattr(pair.rules, name, True):
            placement = rule(pair, placement)
    return placement


def narrow(surface: str, text: str, start: int, end: int) -> tuple[int, int]:
    """Return the part of a single token that equals the source surface, where suffixes are written to it.

    :param start, end: characters of the target text; so is the result.
    """
    covered = text[start:end]
    begin = covered.casefold().find(surface.casefold())
    if begin < 0 or len(covered.casefold()) != len(covered) or any(char.isspace() for char in covered):
        return start, end
    return start + begin, start + begin + len(surface)


def copy_verbatim(surface: str, text: str, drawn: Sequence[Span]) -> tuple[int, int] | None:
    """Return where a surface stands verbatim as whole words, outside what is already an entity."""
    pattern = regex.compile(rf"(?<![\p{{L}}\p{{N}}]){regex.escape(surface)}(?![\p{{L}}\p{{N}}])")
    for match in pattern.finditer(text):
        if all(match.end() <= span.start or span.end <= match.start() for span in drawn):
            return int(match.start()), int(match.end())
    return None
