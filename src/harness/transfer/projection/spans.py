"""Projection: links and the spans of one text become the spans of its translation. Pure functions.

Every window of target tokens that begins and ends with a token linked to a source span is a candidate. Its value is the
weight of the links between window and span, minus costs named in :class:`~harness.config.ProjectionCard`: tokens that
are linked to words outside the span (the *outlier* rule), clause marks that the source span does not have
(*punctuation*), and excess length. Candidates are then chosen for the whole sentence, the most valuable first, so that
no token serves two spans (*assignment*; García-Ferrero et al. 2023 score candidates likewise, by a translation model).
Words that stand unchanged in both texts are linked before that (*anchors*); articles, uncovered words and verbatim
copies follow as rules of their own. Nothing is lost unseen: each source span
ends projected or dropped, with the reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import regex

from harness.config import ProjectionCard
from harness.transfer.align.contract import Links
from harness.transfer.align.words import Offsets
from harness.transfer.projection.tokens import TextTokens
from harness.values.account import Account
from harness.values.records import Sentence, Span

COVER = 0.5
"""Worth of covering one more source word, beside the weight of its links."""

UNALIGNED_COST = 0.1
"""Cost of a token in the window without any link."""

MARK_COST = 2.0
"""Cost of a clause mark that the source span does not cross."""

EXCESS_COST = 0.3
"""Cost of each token beyond twice the source span's length plus one."""

SURE = 0.75
"""Weight of a link that both directions found."""

LETTERS_PER_CHARACTER = 2
"""A name of so many letters takes at most one character, Chinese for its sound."""

LONGEST_WINDOW = 60
"""Tokens; longer windows are not considered."""


@dataclass(frozen=True)
class Projection:
    """The target spans of one sentence.

    :param spans: over the target text.
    :param account: the fates of this sentence's source spans.
    :param unexplained: target offsets of tokens no link explains, where a lost entity may stand.
    """

    spans: tuple[Span, ...]
    account: Account
    unexplained: tuple[tuple[int, int], ...] = ()

    @property
    def lost(self) -> bool:
        """Whether a source span was dropped."""
        return self.account.total("dropped") > 0


@dataclass(frozen=True)
class _Window:
    value: float
    start: int
    end: int


def project_sentence(
    source: Sentence,
    target: Sentence,
    links: Links,
    *,
    source_offsets: Offsets,
    target_offsets: Offsets,
    rules: ProjectionCard | None = None,
    function: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset()),
) -> Projection:
    """Carry the spans of a sentence over to its translation.

    :param links: (source token, target token) → weight in 0..1.
    :param source_offsets, target_offsets: character offsets of the tokens the links count.
    :param function: function words of source and target language, as comparison keys.
    """
    rules = rules or ProjectionCard()
    first = TextTokens(source, source_offsets, function[0])
    second = TextTokens(target, target_offsets, function[1])
    if rules.anchors:
        links = _anchored(links, first, second)
    by_target: dict[int, dict[int, float]] = {}
    by_source: dict[int, dict[int, float]] = {}
    for (i, j), weight in links.items():
        by_target.setdefault(j, {})[i] = weight
        by_source.setdefault(i, {})[j] = weight
    covered = [_covered(span, source_offsets) for span in source.spans]
    candidates = [
        _candidates(range(*tokens), first, second, by_source, by_target, rules) if tokens else [] for tokens in covered
    ]
    chosen = _choose(candidates, exclusive=rules.assignment)
    account = Account()
    windows: dict[int, tuple[int, int]] = {}
    for number, window in chosen.items():
        tokens = covered[number]
        assert tokens is not None
        edges = _trimmed(window, range(*tokens), first, second, by_source, by_target, rules)
        if edges:
            windows[number] = edges
    extended = _extend(windows, covered, first, second, by_source, by_target) if rules.extend else set()
    if rules.characters:
        extended |= _with_characters(windows, [source.surface(span) for span in source.spans], second, by_target)
    taken = _Taken(second)
    made: list[Span] = []
    placed: list[int] = []
    for number, (start, end) in list(windows.items()):
        span = source.spans[number]
        merged = taken.same(start, end, span.label)
        if merged or taken.free(start, end):
            account.count("projected", span.label)
            if merged:
                account.count("merged", span.label)
                continue
            if number in extended:
                account.count("extended", span.label)
            edges = second.offsets[start][0], second.offsets[end - 1][1]
            begin, stop = _narrowed(source.surface(span), target.text, *edges) if rules.narrow else edges
            made.append(Span(begin, stop, span.label))
            taken.add(start, end, span.label)
            placed.append(number)
        else:
            del windows[number]
    # Further runs of a span come after all others have theirs.
    for number in placed if rules.pieces == "all" else ():
        span, tokens = source.spans[number], covered[number]
        pieces = 0
        for window in candidates[number]:
            edges = _trimmed(window, range(*(tokens or (0, 0))), first, second, by_source, by_target, rules)
            if edges and window.value > 0 and taken.free(*edges):
                made.append(Span(second.offsets[edges[0]][0], second.offsets[edges[1] - 1][1], span.label))
                taken.add(*edges, span.label)
                pieces += 1
        if pieces:
            account.count("split", span.label)
            account.count("pieces", span.label, pieces)
    for number, span in enumerate(source.spans):
        if number in windows:
            continue
        copied = _copied(source.surface(span), target.text, made) if rules.copy_verbatim else None
        if copied:
            made.append(Span(*copied, span.label))
            account.count("projected", span.label)
            account.count("copied", span.label)
        elif covered[number] is None:
            account.count("dropped/no_token", span.label)
        else:
            account.count(f"dropped/{'claimed' if candidates[number] else 'unaligned'}", span.label)
    inside = [(span.start, span.end) for span in made]
    unexplained = tuple(
        offsets
        for place, offsets in enumerate(second.offsets)
        if place not in by_target
        and not second.is_edge_punctuation(place)
        and second.keys[place] not in second.function
        and not any(offsets[0] < end and start < offsets[1] for start, end in inside)
    )
    return Projection(tuple(sorted(made)), account, unexplained)


def _anchored(links: Links, first: TextTokens, second: TextTokens) -> Links:
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


def _covered(span: Span, offsets: Offsets) -> tuple[int, int] | None:
    """Return the tokens a span shares characters with, as first and end."""
    inside = [place for place, (start, end) in enumerate(offsets) if start < span.end and span.start < end]
    return (inside[0], inside[-1] + 1) if inside else None


def _candidates(
    tokens: range,
    first: TextTokens,
    second: TextTokens,
    by_source: Mapping[int, Mapping[int, float]],
    by_target: Mapping[int, Mapping[int, float]],
    rules: ProjectionCard,
) -> list[_Window]:
    linked = sorted({j for i in tokens for j in by_source.get(i, {})})
    marks = first.marks(tokens.start, tokens.stop)
    windows = []
    for start in linked:
        inside: dict[int, float] = {}
        value = 0.0
        gap = 0
        crossed = 0
        for place in range(start, min(len(second), start + LONGEST_WINDOW)):
            if place > start:
                crossed += second.crossing(place - 1)
            here = by_target.get(place, {})
            ours = {i: weight for i, weight in here.items() if i in tokens}
            value += sum(ours.values())
            value -= rules.outside_cost * min(1.0, sum(weight for i, weight in here.items() if i not in tokens))
            if not here:
                value -= UNALIGNED_COST
            gap = 0 if ours else gap + 1
            if gap > rules.gaps:
                break
            if not ours:
                continue
            for i, weight in ours.items():
                inside[i] = max(inside.get(i, 0.0), weight)
            cost = MARK_COST * max(0, crossed - marks) if rules.punctuation else 0.0
            cost += EXCESS_COST * max(0, place + 1 - start - 2 * len(tokens) - 1)
            windows.append(_Window(value + COVER * sum(inside.values()) - cost, start, place + 1))
    return sorted(windows, key=lambda window: (-window.value, window.end - window.start, window.start))


def _choose(candidates: Sequence[Sequence[_Window]], *, exclusive: bool) -> dict[int, _Window]:
    """Choose one window a span, the most valuable first; exclusive ones share no token.

    :returns: in the order in which they may claim tokens.
    """
    if not exclusive:
        own = {number: windows[0] for number, windows in enumerate(candidates) if windows}
        return dict(sorted(own.items(), key=lambda item: (-item[1].value, item[0])))
    ordered = sorted(
        ((window, number) for number, windows in enumerate(candidates) for window in windows),
        key=lambda item: (-item[0].value, item[0].end - item[0].start, item[1], item[0].start),
    )
    chosen: dict[int, _Window] = {}
    for window, number in ordered:
        free = all(window.end <= other.start or other.end <= window.start for other in chosen.values())
        if number not in chosen and free:
            chosen[number] = window
    # A span left without a window may share that of a neighbour: two source words that became one (merged).
    for number, windows in enumerate(candidates):
        if number not in chosen and windows:
            chosen[number] = windows[0]
    return chosen


def _trimmed(
    window: _Window,
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


def _extend(
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


def _with_characters(
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


class _Taken:
    """Windows that already carry an entity."""

    def __init__(self, second: TextTokens) -> None:
        self._second = second
        self._windows: list[tuple[int, int, str]] = []

    def add(self, start: int, end: int, label: str) -> None:
        self._windows.append((start, end, label))

    def free(self, start: int, end: int) -> bool:
        return all(end <= other or stop <= start for other, stop, _ in self._windows)

    def same(self, start: int, end: int, label: str) -> bool:
        """Tell whether a window lies within one of the same label."""
        return any(other <= start and end <= stop and label == name for other, stop, name in self._windows)


def _narrowed(surface: str, text: str, start: int, end: int) -> tuple[int, int]:
    """Return the part of a single token that equals the source surface, where suffixes are written to it."""
    covered = text[start:end]
    found = covered.casefold().find(surface.casefold())
    if found < 0 or len(covered.casefold()) != len(covered) or any(char.isspace() for char in covered):
        return start, end
    return start + found, start + found + len(surface)


def _copied(surface: str, text: str, made: Sequence[Span]) -> tuple[int, int] | None:
    """Return where a surface stands verbatim as whole words, outside what is already an entity."""
    pattern = regex.compile(rf"(?<![\p{{L}}\p{{N}}]){regex.escape(surface)}(?![\p{{L}}\p{{N}}])")
    for match in pattern.finditer(text):
        if all(match.end() <= span.start or span.end <= match.start() for span in made):
            return int(match.start()), int(match.end())
    return None
