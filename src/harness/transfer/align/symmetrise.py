"""One set of links from those of both directions."""

from collections.abc import Set

from harness.transfer.align.contract import Links

Pairs = Set[tuple[int, int]]

BOTH, ONE = 1.0, 0.5
"""Weights: a link both directions found, and one that only one direction found."""

_NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def symmetrise(forward: Pairs, reverse: Pairs, how: str) -> Links:
    """Merge two directions.

    :param forward, reverse: (source, target) links.
    :param how: union, intersection, grow_diag_final_and (Koehn et al. 2005), forward or reverse.
    """
    both = forward & reverse
    kept: Pairs
    if how == "intersection":
        kept = both
    elif how == "forward":
        kept = forward
    elif how == "reverse":
        kept = reverse
    elif how == "grow_diag_final_and":
        kept = _grow(both, forward | reverse, (forward, reverse))
    else:
        kept = forward | reverse
    return {link: BOTH if link in both else ONE for link in sorted(kept)}


def _grow(both: Pairs, either: Pairs, directions: tuple[Pairs, Pairs]) -> set[tuple[int, int]]:
    grown = set(both)
    while True:
        added: set[tuple[int, int]] = set()
        for i, j in sorted(grown):
            for di, dj in _NEIGHBOURS:
                link = (i + di, j + dj)
                if link in either and link not in grown and not _taken(link, grown | added, every=True):
                    added.add(link)
        if not added:
            break
        grown |= added
    for direction in directions:
        for link in sorted(direction):
            if link not in grown and not _taken(link, grown, every=False):
                grown.add(link)
    return grown


def _taken(link: tuple[int, int], links: Set[tuple[int, int]], *, every: bool) -> bool:
    """Return True if both words (``every``) or one of them already have a link."""
    row = any(i == link[0] for i, _ in links)
    column = any(j == link[1] for _, j in links)
    return (row and column) if every else (row or column)
