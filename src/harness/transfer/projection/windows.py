"""Windows of the target that may hold an entity, and their worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.config import ProjectionCard
from harness.transfer.align.words import Offsets
from harness.transfer.projection.tokens import TextTokens
from harness.values.records import Span

COVER = 0.5
"""Worth of covering one more source word, beside the weight of its links."""


UNALIGNED_COST = 0.1
"""Cost of a token in the window without any link."""


MARK_COST = 2.0
"""Cost of a clause mark that the source span does not cross."""


EXCESS_COST = 0.3
"""Cost of each token beyond twice the source span's length plus one."""


LONGEST_WINDOW = 60
"""Tokens; longer windows are not considered."""


@dataclass(frozen=True)
class Window:
    value: float
    start: int
    end: int


def covered_tokens(span: Span, offsets: Offsets) -> tuple[int, int] | None:
    """Return the tokens a span shares characters with, as first and end."""
    inside = [place for place, (start, end) in enumerate(offsets) if start < span.end and span.start < end]
    return (inside[0], inside[-1] + 1) if inside else None


def candidate_windows(
    tokens: range,
    first: TextTokens,
    second: TextTokens,
    by_source: Mapping[int, Mapping[int, float]],
    by_target: Mapping[int, Mapping[int, float]],
    rules: ProjectionCard,
) -> list[Window]:
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
            windows.append(Window(value + COVER * sum(inside.values()) - cost, start, place + 1))
    return sorted(windows, key=lambda window: (-window.value, window.end - window.start, window.start))


def choose_windows(candidates: Sequence[Sequence[Window]], *, exclusive: bool) -> dict[int, Window]:
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
    chosen: dict[int, Window] = {}
    for window, number in ordered:
        free = all(window.end <= other.start or other.end <= window.start for other in chosen.values())
        if number not in chosen and free:
            chosen[number] = window
    # A span left without a window may share that of a neighbour: two source words that became one (merged).
    for number, windows in enumerate(candidates):
        if number not in chosen and windows:
            chosen[number] = windows[0]
    return chosen
