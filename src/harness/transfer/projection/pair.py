"""Two texts of one sentence with the links between their tokens, and where entities have been placed so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.config import ProjectionCard
from harness.transfer.align.contract import Links
from harness.transfer.align.words import Offsets
from harness.transfer.projection.tokens import TextTokens
from harness.values.records import Sentence

Edges = tuple[int, int]
"""Target tokens of an entity, as first and end."""

Weights = Mapping[int, Mapping[int, float]]
"""Token of one side → tokens of the other → weight of the link."""

SURE = 0.75
"""Weight of a link that both directions found."""


@dataclass(frozen=True)
class Pair:
    """A sentence and its translation.

    :param first, second: the tokens of both, with what the rules ask of them.
    :param from_source, from_target: the links, looked up from either side.
    :param covered: source tokens that each source span shares characters with; nothing for a span between tokens.
    """

    source: Sentence
    target: Sentence
    first: TextTokens
    second: TextTokens
    from_source: Weights
    from_target: Weights
    covered: tuple[Edges | None, ...]
    rules: ProjectionCard

    def tokens(self, number: int) -> range:
        """Return the source tokens of a span."""
        return range(*(self.covered[number] or (0, 0)))

    def is_linked(self, place: int) -> bool:
        """Return True where a target token has a link."""
        return place in self.from_target


@dataclass(frozen=True)
class Placement:
    """Where the entities of a sentence are to go.

    :param windows: number of the source span → target tokens, in the order in which they may claim tokens.
    :param extended: spans that a rule gave more tokens than their links reach.
    """

    windows: Mapping[int, Edges]
    extended: frozenset[int] = field(default_factory=frozenset)

    def others(self, number: int) -> list[Edges]:
        """Return the windows of all other spans."""
        return [edges for other, edges in self.windows.items() if other != number]


def pair_of(
    source: Sentence,
    target: Sentence,
    links: Links,
    *,
    offsets: tuple[Offsets, Offsets],
    rules: ProjectionCard | None = None,
    function: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset()),
) -> Pair:
    """Return a sentence and its translation as the rules see them.

    :param links: (source token, target token) → weight in 0..1.
    :param offsets: character offsets of the tokens the links count, of source and target.
    :param function: function words of source and target language, as comparison keys.
    """
    rules = rules or ProjectionCard()
    first = TextTokens(source, offsets[0], function[0])
    second = TextTokens(target, offsets[1], function[1])
    if rules.anchors:
        links = anchored(links, first, second)
    from_source: dict[int, dict[int, float]] = {}
    from_target: dict[int, dict[int, float]] = {}
    for (i, j), weight in links.items():
        from_source.setdefault(i, {})[j] = weight
        from_target.setdefault(j, {})[i] = weight
    covered = tuple(_covered((span.start, span.end), offsets[0]) for span in source.spans)
    return Pair(source, target, first, second, from_source, from_target, covered, rules)


def _covered(characters: tuple[int, int], offsets: Sequence[tuple[int, int]]) -> Edges | None:
    """Return the tokens that share characters with a span, as first and end."""
    inside = [place for place, (start, end) in enumerate(offsets) if start < characters[1] and characters[0] < end]
    return (inside[0], inside[-1] + 1) if inside else None


def anchored(links: Links, first: TextTokens, second: TextTokens) -> Links:
    """Link the words that can only be each other, and drop what else they were linked to.

    Common words may be false friends ('pain' in English and French): they give way to links the aligner is sure of.
    """
    sources, targets = first.anchors(), second.anchors()
    sure = [link for link, weight in links.items() if weight >= SURE]
    pairs = {}
    for key, i in sources.items():
        j = targets.get(key)
        if j is None or key in first.function or key in second.function:
            continue
        contradicted = any((i == source) != (j == target) for source, target in sure)
        if not contradicted or (first.is_marked(i) and second.is_marked(j)):
            pairs[i] = j
    anchors = set(pairs.values())
    kept = {(i, j): weight for (i, j), weight in links.items() if i not in pairs and j not in anchors}
    return kept | dict.fromkeys(pairs.items(), 1.0)
