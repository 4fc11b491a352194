"""Windows of the target that may hold an entity, their worth, and the choice among them."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.transfer.projection.pair import Pair

# The worths and costs below were set by hand while looking at the Spanish gold and the round trips of
# docs/translation.md, so neither figure there is blind to them.

COVER = 0.5
"""Worth of covering one more source word, besides the weight of its links."""

UNALIGNED_COST = 0.1
"""Cost of a token in the window without any link."""

MARK_COST = 2.0
"""Cost of a clause mark that the source span does not cross: more than any one link is worth."""

EXCESS_COST = 0.3
"""Cost of each token beyond twice the source span's length plus one."""

LONGEST_WINDOW = 60
"""Tokens; longer windows are not considered: it bounds the work on one sentence, far beyond the length of entities."""


@dataclass(frozen=True)
class Window:
    """Target tokens ``start`` … ``end - 1``, and how well they fit a source span."""

    value: float
    start: int
    end: int


def candidate_windows(pair: Pair, number: int) -> list[Window]:
    """Return the windows that begin and end with a token linked to a source span, the best first."""
    tokens = pair.tokens(number)
    starts = sorted({j for i in tokens for j in pair.from_source.get(i, {})})
    windows = [window for start in starts for window in _windows_from(pair, tokens, start)]
    return sorted(windows, key=lambda window: (-window.value, window.end - window.start, window.start))


def _windows_from(pair: Pair, tokens: range, start: int) -> list[Window]:
    """Return the windows that begin at a token."""
    rules, second = pair.rules, pair.second
    marks = pair.first.marks(tokens.start, tokens.stop)
    windows = []
    covered: dict[int, float] = {}
    value = 0.0
    gap = crossed = 0
    for place in range(start, min(len(second), start + LONGEST_WINDOW)):
        if place > start:
            crossed += second.crossing(place - 1)
        links = pair.from_target.get(place, {})
        inside = {i: weight for i, weight in links.items() if i in tokens}
        value += sum(inside.values())
        value -= rules.outside_cost * min(1.0, sum(weight for i, weight in links.items() if i not in tokens))
        if not links:
            value -= UNALIGNED_COST
        gap = 0 if inside else gap + 1
        if gap > rules.gaps:
            break
        if not inside:
            continue
        for i, weight in inside.items():
            covered[i] = max(covered.get(i, 0.0), weight)
        cost = MARK_COST * max(0, crossed - marks) if rules.punctuation else 0.0
        cost += EXCESS_COST * max(0, place + 1 - start - 2 * len(tokens) - 1)
        windows.append(Window(value + COVER * sum(covered.values()) - cost, start, place + 1))
    return windows


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
