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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from harness.transfer.projection.pair import Edges, Pair, Placement
from harness.transfer.projection.rules import copy_verbatim, narrow, repair, trim_edges
from harness.transfer.projection.windows import Window, candidate_windows, choose_windows
from harness.values.account import Account
from harness.values.records import Span


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


def project_spans(pair: Pair) -> Projection:
    """Carry the spans of a sentence over to its translation."""
    candidates = [candidate_windows(pair, number) for number in range(len(pair.source.spans))]
    chosen = choose_windows(candidates, exclusive=pair.rules.assignment)
    placement = Placement({number: (window.start, window.end) for number, window in chosen.items()})
    placement = repair(pair, placement)
    drawing = _Drawing(pair)
    for number, edges in placement.windows.items():
        drawing.claim(number, edges, extended=number in placement.extended)
    if pair.rules.pieces == "all":
        # Further runs of a span come after all others have theirs.
        for number in list(drawing.drawn):
            drawing.add_pieces(number, candidates[number])
    for number in range(len(pair.source.spans)):
        if number not in drawing.placed:
            drawing.copy_or_drop(number, claimed=bool(candidates[number]))
    return Projection(tuple(sorted(drawing.spans)), drawing.account, _unexplained(pair, drawing.spans))


@dataclass
class _Drawing:
    """The target spans of a sentence as they come.

    :param placed: source spans that have a window, their own or a neighbour's.
    :param drawn: source spans that have a target span of their own, in order.
    :param taken: windows in use, with their labels.
    """

    pair: Pair
    spans: list[Span] = field(default_factory=list)
    account: Account = field(default_factory=Account)
    placed: set[int] = field(default_factory=set)
    drawn: list[int] = field(default_factory=list)
    taken: list[tuple[int, int, str]] = field(default_factory=list)

    def claim(self, number: int, edges: Edges, *, extended: bool) -> None:
        """Draw a span in its window, unless another has it; one of the same label may be shared."""
        pair, (start, end) = self.pair, edges
        span = pair.source.spans[number]
        if any(first <= start and end <= last and span.label == label for first, last, label in self.taken):
            self.placed.add(number)
            self.account.count("projected", span.label)
            self.account.count("merged", span.label)
        elif self._is_free(edges):
            self.placed.add(number)
            self.drawn.append(number)
            self.account.count("projected", span.label)
            if extended:
                self.account.count("extended", span.label)
            begin, stop = self._characters(edges)
            if pair.rules.narrow:
                begin, stop = narrow(pair.source.surface(span), pair.target.text, begin, stop)
            self._draw(Span(begin, stop, span.label), edges)

    def add_pieces(self, number: int, candidates: Sequence[Window]) -> None:
        """Draw further runs of a span."""
        label = self.pair.source.spans[number].label
        pieces = 0
        for window in candidates:
            edges = trim_edges(self.pair, number, (window.start, window.end))
            if edges and window.value > 0 and self._is_free(edges):
                self._draw(Span(*self._characters(edges), label), edges)
                pieces += 1
        if pieces:
            self.account.count("split", label)
            self.account.count("pieces", label, pieces)

    def copy_or_drop(self, number: int, *, claimed: bool) -> None:
        """Draw a span without a window where its surface stands verbatim, else count it as dropped.

        :param claimed: it had windows, and others have them now.
        """
        pair = self.pair
        span = pair.source.spans[number]
        copied = (
            copy_verbatim(pair.source.surface(span), pair.target.text, self.spans) if pair.rules.copy_verbatim else None
        )
        if copied:
            self.spans.append(Span(*copied, span.label))
            self.account.count("projected", span.label)
            self.account.count("copied", span.label)
        elif pair.covered[number] is None:
            self.account.count("dropped/no_token", span.label)
        else:
            self.account.count(f"dropped/{'claimed' if claimed else 'unaligned'}", span.label)

    def _is_free(self, edges: Edges) -> bool:
        return all(edges[1] <= first or last <= edges[0] for first, last, _ in self.taken)

    def _characters(self, edges: Edges) -> tuple[int, int]:
        offsets = self.pair.second.offsets
        return offsets[edges[0]][0], offsets[edges[1] - 1][1]

    def _draw(self, span: Span, edges: Edges) -> None:
        self.spans.append(span)
        self.taken.append((*edges, span.label))


def _unexplained(pair: Pair, spans: Iterable[Span]) -> tuple[tuple[int, int], ...]:
    """Return the offsets of target tokens that no link explains, outside the spans drawn."""
    second = pair.second
    inside = [(span.start, span.end) for span in spans]
    return tuple(
        offsets
        for place, offsets in enumerate(second.offsets)
        if not pair.is_linked(place)
        and not second.is_edge_punctuation(place)
        and second.keys[place] not in second.function
        and not any(offsets[0] < end and start < offsets[1] for start, end in inside)
    )


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
