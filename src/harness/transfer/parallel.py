"""Whole corpora carried over: a training set to its translation, predictions on a translation back to the text.

Both count every entity and every sentence: what was projected, what was dropped and why, what became of sentences that
lost an entity.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.config import ProjectionCard
from harness.transfer.align.contract import Aligner, Links, WordPair, align_pairs
from harness.transfer.align.words import AlignmentText, alignment_text
from harness.transfer.projection.function_words import frequent_words, function_words
from harness.transfer.projection.markers import mark, read_marks
from harness.transfer.projection.spans import Projection, project_sentence
from harness.values.account import Account
from harness.values.errors import DataError
from harness.values.records import Corpus, Origin, Sentence, Span

Translate = Callable[[Sequence[str]], tuple[list[str], dict[str, int]]]
"""Texts → translations in order and number, and what to count."""


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

    def project(self, spans: Sequence[Sequence[Span]] | None, rules: ProjectionCard) -> list[Projection]:
        """Project the sources' spans, or others over the same source texts, onto the targets."""
        found = []
        for number, (source, target) in enumerate(zip(self.sources, self.targets, strict=True)):
            found.append(
                project_sentence(
                    source if spans is None else source.with_spans(spans[number]),
                    target,
                    self.links[number],
                    source_offsets=self.source_texts[number].offsets,
                    target_offsets=self.target_texts[number].offsets,
                    rules=rules,
                    function=self.function,
                )
            )
        return found


def align_corpora(
    aligner: Aligner,
    sources: Sequence[Sentence],
    targets: Sequence[Sentence],
    *,
    more: Sequence[tuple[Sentence, Sentence]] = (),
    keep: bool = True,
) -> Parallel:
    """Align sentence pairs.

    :param more: further pairs that a statistical aligner learns from; their entities, and those of the sources, tell
        which frequent words are no function words.
    :param keep: store the links in the cache; off for restricted corpora.
    :raises DataError: sources and targets differ in number.
    """
    if len(sources) != len(targets):
        raise DataError(f"{len(sources)} sentences have {len(targets)} translations; line N must belong to sentence N")
    extra = more if aligner.learns else ()
    annotated = [*sources, *(one for one, _ in extra)]
    source_texts = tuple(map(alignment_text, annotated))
    target_texts = tuple(map(alignment_text, [*targets, *(other for _, other in extra)]))
    pairs = [WordPair(one.words, other.words) for one, other in zip(source_texts, target_texts, strict=True)]
    links = tuple(align_pairs(aligner, pairs, keep=keep))
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
    for source, one, other, pair in zip(annotated, source_texts, target_texts, links, strict=True):
        within = [any(start < span.end and span.start < end for span in source.spans) for start, end in one.offsets]
        ours += zip(one.words, within, strict=True)
        linked: dict[int, bool] = {}
        for i, j in pair:
            linked[j] = linked.get(j, False) or within[i]
        theirs += ((word, linked.get(place)) for place, word in enumerate(other.words))
    return (
        function_words(frequent_words(text.words for text in source_texts), ours),
        function_words(frequent_words(text.words for text in target_texts), theirs),
    )


@dataclass(frozen=True)
class Carried:
    """A translated training corpus with projected entities.

    :param counts: sentences: ``sentences``, ``lost_an_entity``, ``dropped_sentences``, ``masked_sentences``,
        ``without_translation``, ``markers_kept``, ``markers_broken``, ``markers_impossible``, notes of the translator.
    """

    corpus: Corpus
    account: Account
    counts: Mapping[str, int] = field(default_factory=dict)

    def metrics(self) -> dict[str, float]:
        """Return everything countable, for ``projection/LANGUAGE/…``."""
        return {name: float(number) for name, number in {**self.account.as_dict(), **self.counts}.items()}


def carry_training(
    corpus: Corpus,
    language: str,
    translations: Sequence[str],
    aligner: Aligner,
    rules: ProjectionCard,
    *,
    keep: bool = True,
    more: Sequence[tuple[Sentence, Sentence]] = (),
    notes: Mapping[str, int] | None = None,
    translate: Translate | None = None,
) -> Carried:
    """Project the entities of a training corpus onto its translation.

    :param translations: one for each sentence, in order.
    :param notes: what the translator counted.
    :param translate: translates more texts, for markers; without it markers are left out.
    """
    targets = _sentences(corpus, translations, language)
    counts: Counter[str] = Counter({f"translator_{name}": number for name, number in (notes or {}).items()})
    marked: dict[int, Sentence] = {}
    if rules.markers != "none" and translate is not None:
        marked = _by_markers(corpus, language, rules.markers, translate, counts)
    parallel = align_corpora(aligner, corpus.sentences, targets, more=more, keep=keep)
    account = Account()
    made: list[Sentence] = []
    for number, found in enumerate(parallel.project(None, rules)):
        source = corpus.sentences[number]
        if number in marked:
            for span in source.spans:
                account.count("projected", span.label)
                account.count("marked", span.label)
            made.append(marked[number])
            continue
        if not targets[number].text:
            counts["without_translation"] += 1
            for span in source.spans:
                account.count("dropped/untranslated", span.label)
            continue
        account.add(found.account)
        counts["lost_an_entity"] += found.lost
        if found.lost and rules.lost == "drop":
            counts["dropped_sentences"] += 1
            continue
        unknown = found.unexplained if found.lost and rules.lost == "mask" else ()
        counts["masked_sentences"] += bool(unknown)
        target = targets[number]
        made.append(Sentence(target.id, target.text, language, found.spans, None, unknown))
    counts["sentences"] = len(made)
    translated = Corpus(
        corpus.name, "translated_train", language, tuple(made), corpus.labels, Origin.TRANSLATED, {}, corpus.restricted
    )
    return Carried(translated, account, dict(counts))


def _sentences(corpus: Corpus, translations: Sequence[str], language: str) -> list[Sentence]:
    """Return the translations of a corpus as unlabelled sentences with its ids.

    :raises DataError: they are not as many.
    """
    if len(translations) != len(corpus):
        raise DataError(
            f"{corpus.name} {corpus.language}.{corpus.split} has {len(corpus)} sentences and {len(translations)} "
            "translations; line N must belong to sentence N"
        )
    return [
        Sentence(sentence.id, " ".join(text.split()), language)
        for sentence, text in zip(corpus.sentences, translations, strict=True)
    ]


def _by_markers(
    corpus: Corpus, language: str, style: str, translate: Translate, counts: Counter[str]
) -> dict[int, Sentence]:
    """Translate sentences with marked entities and read the marks back; what is broken is left to the aligner."""
    texts = {number: text for number, one in enumerate(corpus.sentences) if (text := mark(one, style)) is not None}
    counts["markers_impossible"] = sum(bool(one.spans) for one in corpus.sentences) - len(texts)
    answers, notes = translate(list(texts.values()))
    counts.update({f"markers_{name}": number for name, number in notes.items()})
    surfaces: dict[str, str] = {}
    if style == "brackets":
        wanted = sorted({one.surface(span) for number, one in enumerate(corpus.sentences) for span in one.spans})
        alone, _ = translate(wanted)
        surfaces = dict(zip(wanted, alone, strict=True))
    found: dict[int, Sentence] = {}
    for number, answer in zip(texts, answers, strict=True):
        source = corpus.sentences[number]
        own = [surfaces.get(source.surface(span), "") for span in source.spans]
        read = read_marks(answer, source, style, own)
        if read is None:
            counts["markers_broken"] += 1
            continue
        counts["markers_kept"] += 1
        found[number] = Sentence(source.id, read[0], language, read[1])
    return found


@dataclass(frozen=True)
class BackRoute:
    """A test set in translation: what a model of the source language tags, and the way back to the test text.

    :param counts: ``without_translation`` and the translator's notes.
    """

    test: Corpus
    parallel: Parallel
    rules: ProjectionCard
    counts: Mapping[str, int]

    @property
    def translated(self) -> tuple[Sentence, ...]:
        """The sentences to tag, in the source language."""
        return self.parallel.sources

    def back(self, predicted: Sequence[Sequence[Span]]) -> tuple[list[tuple[Span, ...]], dict[str, float]]:
        """Project predicted spans onto the test text.

        :returns: the spans of each test sentence, and the account for ``projection/LANGUAGE/…``.
        """
        account = Account()
        found = []
        for projection in self.parallel.project(predicted, self.rules):
            account.add(projection.account)
            found.append(projection.spans)
        return found, {name: float(number) for name, number in {**account.as_dict(), **self.counts}.items()}


def back_route(
    test: Corpus,
    source_language: str,
    translations: Sequence[str],
    aligner: Aligner,
    rules: ProjectionCard,
    *,
    keep: bool = True,
    more: Sequence[tuple[Sentence, Sentence]] = (),
    notes: Mapping[str, int] | None = None,
) -> BackRoute:
    """Prepare translate-test for one corpus; labels of the test set are not looked at.

    :param translations: the test sentences in the source language, in order.
    :param more: further (source, target) pairs that a statistical aligner learns from.
    """
    sources = _sentences(test, translations, source_language)
    targets = [sentence.with_spans(()) for sentence in test.sentences]
    counts = {f"translator_{name}": number for name, number in (notes or {}).items()}
    counts["without_translation"] = sum(not sentence.text for sentence in sources)
    return BackRoute(test, align_corpora(aligner, sources, targets, more=more, keep=keep), rules, counts)
