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

from dataclasses import dataclass

from harness.config import ProjectionCard
from harness.transfer.align.contract import Links
from harness.transfer.align.words import Offsets
from harness.transfer.projection.rules import (
    anchor,
    copy_verbatim,
    extend_by_characters,
    extend_windows,
    narrow,
    trim_edges,
)
from harness.transfer.projection.tokens import TextTokens
from harness.transfer.projection.windows import candidate_windows, choose_windows, covered_tokens
from harness.values.account import Account
from harness.values.records import Sentence, Span


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
        return self.account.sum_of("dropped") > 0


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
        links = anchor(links, first, second)
    by_target: dict[int, dict[int, float]] = {}
    by_source: dict[int, dict[int, float]] = {}
    for (i, j), weight in links.items():
        by_target.setdefault(j, {})[i] = weight
        by_source.setdefault(i, {})[j] = weight
    covered = [covered_tokens(span, source_offsets) for span in source.spans]
    candidates = [
        candidate_windows(range(*tokens), first, second, by_source, by_target, rules) if tokens else []
        for tokens in covered
    ]
    chosen = choose_windows(candidates, exclusive=rules.assignment)
    account = Account()
    windows: dict[int, tuple[int, int]] = {}
    for number, window in chosen.items():
        tokens = covered[number]
        assert tokens is not None
        edges = trim_edges(window, range(*tokens), first, second, by_source, by_target, rules)
        if edges:
            windows[number] = edges
    extended = extend_windows(windows, covered, first, second, by_source, by_target) if rules.extend else set()
    if rules.characters:
        extended |= extend_by_characters(windows, [source.surface(span) for span in source.spans], second, by_target)
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
            begin, stop = narrow(source.surface(span), target.text, *edges) if rules.narrow else edges
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
            edges = trim_edges(window, range(*(tokens or (0, 0))), first, second, by_source, by_target, rules)
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
        copied = copy_verbatim(source.surface(span), target.text, made) if rules.copy_verbatim else None
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


def fate_counts(account: Account) -> dict[str, int]:
    """Return what became of the source spans, in total and as ``LABEL/FATE``; ``source = projected + dropped``."""
    counts = {
        "source": account.sum_of("projected") + account.sum_of("dropped"),
        "projected": account.sum_of("projected"),
        "dropped": account.sum_of("dropped"),
    }
    counts |= {fate: account.sum_of(fate) for fate in sorted(account)}
    for label in sorted(account.labels):
        fates = account.labels[label]
        counts |= {f"{label}/{fate}": number for fate, number in sorted(fates.items())}
    for label in sorted(account.labels):
        counts.setdefault(f"{label}/projected", 0)
        counts[f"{label}/dropped"] = account.labels[label].sum_of("dropped")
    return counts
