"""Whole corpora carried over: a training set to its translation, predictions on a translation back to the text.

Both count every entity and every sentence: what was projected, what was dropped and why, what became of sentences that
lost an entity.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.config import ProjectionCard
from harness.machine.store import ResultStore
from harness.transfer.align.contract import Aligner, Links, WordPair
from harness.transfer.align.pairs import align_pairs
from harness.transfer.align.running import RunningText
from harness.transfer.align.words import AlignmentText, alignment_text
from harness.transfer.projection.function_words import frequent_words, function_words
from harness.transfer.projection.pair import pair_of
from harness.transfer.projection.spans import Projection, project_spans
from harness.values.errors import DataError
from harness.values.records import Sentence, Span


@dataclass(frozen=True)
class Parallel:
    """Aligned sentence pairs.

    :param sources, targets: sentences, pair by pair; an empty translation has the empty text.
    :param links: of each pair, between the tokens of ``source_texts`` and ``target_texts``.
    :param function: function words of both languages, as comparison keys.
    """

    sources: tuple[Sentence, ...]
    targets: tuple[Sentence, ...]
    source_texts: tuple[AlignmentText, ...]
    target_texts: tuple[AlignmentText, ...]
    links: tuple[Links, ...]
    function: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())

    @property
    def pairs(self) -> list[WordPair]:
        """The words that the links count."""
        texts = zip(self.source_texts, self.target_texts, strict=True)
        return [WordPair(source.words, target.words) for source, target in texts]  # as links count them

    def project(self, spans: Sequence[Sequence[Span]] | None, rules: ProjectionCard) -> list[Projection]:
        """Project the sources' spans, or others over the same source texts, onto the targets."""
        projected = []
        for number, (source, target) in enumerate(zip(self.sources, self.targets, strict=True)):
            projected.append(
                project_spans(
                    pair_of(
                        source if spans is None else source.with_spans(spans[number]),
                        target,
                        self.links[number],
                        offsets=(self.source_texts[number].offsets, self.target_texts[number].offsets),
                        rules=rules,
                        function=self.function,
                    )
                )
            )
        return projected


def align_corpora(
    aligner: Aligner,
    sources: Sequence[Sentence],
    targets: Sequence[Sentence],
    store: ResultStore,
    *,
    more: Sequence[tuple[Sentence, Sentence]] = (),
) -> Parallel:
    """Align sentence pairs.

    :param more: further pairs that a statistical aligner learns from; their entities, and those of the sources, tell
        which frequent words are no function words.
    :param store: where the links are kept.
    :raises DataError: sources and targets differ in number.
    """
    if len(sources) != len(targets):
        raise DataError(f"{len(sources)} sentences have {len(targets)} translations; line N must belong to sentence N")
    extra = more if aligner.learns else ()
    annotated = [*sources, *(source for source, _ in extra)]
    source_texts = tuple(map(alignment_text, annotated))
    annotated_targets = [*targets, *(target for _, target in extra)]
    target_texts = tuple(map(alignment_text, annotated_targets))
    pairs = [
        WordPair(one.words, two.words, (RunningText(source.text, one.offsets), RunningText(target.text, two.offsets)))
        for source, one, target, two in zip(annotated, source_texts, annotated_targets, target_texts, strict=True)
    ]
    links = tuple(align_pairs(aligner, pairs, store))
    function = _function_words(annotated, source_texts, target_texts, links)
    own = slice(len(sources))
    return Parallel(tuple(sources), tuple(targets), source_texts[own], target_texts[own], links[own], function)


def _function_words(
    annotated: Sequence[Sentence],
    source_texts: Sequence[AlignmentText],
    target_texts: Sequence[AlignmentText],
    links: Sequence[Links],
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the function words of both languages; a target word stands in an entity where it is linked to one."""
    ours: list[tuple[str, bool | None]] = []
    theirs: list[tuple[str, bool | None]] = []
    for source, source_text, target_text, pair in zip(annotated, source_texts, target_texts, links, strict=True):
        within = [
            any(start < span.end and span.start < end for span in source.spans) for start, end in source_text.offsets
        ]
        ours += zip(source_text.words, within, strict=True)
        linked: dict[int, bool] = {}
        for i, j in pair:
            linked[j] = linked.get(j, False) or within[i]
        theirs += ((word, linked.get(place)) for place, word in enumerate(target_text.words))
    return (
        function_words(frequent_words(text.words for text in source_texts), ours),
        function_words(frequent_words(text.words for text in target_texts), theirs),
    )
