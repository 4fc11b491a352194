"""What the translation methods need before a model is trained: translated training sets, and ways back from tests.

Depends on the data, the translator, the aligner and the rules, not on encoder, ratio or seed: a sweep pays once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from harness.config import Config, ProjectionCard
from harness.machine.store import ResultStore
from harness.transfer.align.contract import Aligner
from harness.transfer.align.open import open_aligner
from harness.transfer.parallel import Parallel, align_corpora
from harness.transfer.projection.markers import mark, read_marks
from harness.transfer.projection.spans import Projection, fate_counts
from harness.transfer.translate.open import open_translator
from harness.transfer.translate.texts import translate_texts
from harness.values.account import Account
from harness.values.errors import ConfigError, DataError
from harness.values.records import Corpus, CorpusKey, Origin, Sentence, Span

Translate = Callable[[Sequence[str]], tuple[list[str], dict[str, int]]]
"""Texts → translations in order and number, and what to count."""


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
        return {name: float(number) for name, number in {**fate_counts(self.account), **self.counts}.items()}


@dataclass(frozen=True)
class Means:
    """With what entities are carried over: the aligner, the rules, and where results are kept."""

    aligner: Aligner
    rules: ProjectionCard
    store: ResultStore


def carry_training(
    corpus: Corpus,
    language: str,
    translations: Sequence[str],
    means: Means,
    *,
    notes: Mapping[str, int] | None = None,
    translate: Translate | None = None,
    more: Sequence[tuple[Sentence, Sentence]] = (),
) -> Carried:
    """Project the entities of a training or development corpus onto its translation.

    :param translations: one for each sentence, in order.
    :param notes: what the translator counted.
    :param translate: translates more texts, for markers; without it markers are left out.
    :param more: further (source, target) pairs that a statistical aligner learns from.
    """
    rules = means.rules
    targets = _sentences(corpus, translations, language)
    counts = Account({f"translator_{name}": number for name, number in (notes or {}).items()})
    marked: dict[int, Sentence] = {}
    if rules.markers != "none" and translate is not None:
        marked = _by_markers(corpus, language, rules.markers, translate, counts)
    parallel = align_corpora(means.aligner, corpus.sentences, targets, means.store, more=more)
    account = Account()
    carried: list[Sentence] = []
    for number, projection in enumerate(parallel.project(None, rules)):
        source = corpus.sentences[number]
        if number in marked:
            for span in source.spans:
                account.count("projected", span.label)
                account.count("marked", span.label)
            carried.append(marked[number])
        elif not targets[number].text:
            counts["without_translation"] += 1
            for span in source.spans:
                account.count("dropped/untranslated", span.label)
        else:
            account.add(projection.account)
            carried += _carried(targets[number], projection, rules.lost, counts)
    counts["sentences"] = len(carried)
    sentences = tuple(carried)
    origin = Origin.TRANSLATED
    translated = Corpus(
        corpus.name, f"translated_{corpus.split}", language, sentences, corpus.labels, origin, {}, corpus.restricted
    )
    return Carried(translated, account, dict(counts))


def _carried(target: Sentence, projection: Projection, lost: str, counts: Account) -> list[Sentence]:
    """Return a translation with its spans, or nothing where it lost an entity and is to be dropped.

    :param lost: ``method.projection.lost``.
    """
    counts["lost_an_entity"] += projection.lost
    if projection.lost and lost == "drop":
        counts["dropped_sentences"] += 1
        return []
    unknown = projection.unexplained if projection.lost and lost == "mask" else ()
    counts["masked_sentences"] += bool(unknown)
    return [Sentence(target.id, target.text, target.language, projection.spans, None, unknown)]


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
    corpus: Corpus, language: str, style: str, translate: Translate, counts: Account
) -> dict[int, Sentence]:
    """Translate sentences with marked entities and read the marks back; what is broken is left to the aligner."""
    texts = {
        number: text for number, original in enumerate(corpus.sentences) if (text := mark(original, style)) is not None
    }
    counts["markers_impossible"] = sum(bool(sentence.spans) for sentence in corpus.sentences) - len(texts)
    answers, notes = translate(list(texts.values()))
    counts.update({f"markers_{name}": number for name, number in notes.items()})
    surfaces: dict[str, str] = {}
    if style == "brackets":
        wanted = sorted(
            {original.surface(span) for number, original in enumerate(corpus.sentences) for span in original.spans}
        )
        alone, _ = translate(wanted)
        surfaces = dict(zip(wanted, alone, strict=True))
    projected: dict[int, Sentence] = {}
    for number, answer in zip(texts, answers, strict=True):
        source = corpus.sentences[number]
        own = [surfaces.get(source.surface(span), "") for span in source.spans]
        read = read_marks(answer, source, style, own)
        if read is None:
            counts["markers_broken"] += 1
            continue
        counts["markers_kept"] += 1
        projected[number] = Sentence(source.id, read[0], language, read[1])
    return projected


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
        projected = []
        for projection in self.parallel.project(predicted, self.rules):
            account.add(projection.account)
            projected.append(projection.spans)
        return projected, {name: float(number) for name, number in {**fate_counts(account), **self.counts}.items()}


def back_route(
    test: Corpus,
    source_language: str,
    translations: Sequence[str],
    means: Means,
    *,
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
    parallel = align_corpora(means.aligner, sources, targets, means.store, more=more)
    return BackRoute(test, parallel, means.rules, counts)


@dataclass(frozen=True)
class Routes:
    """Translated training and development sets and ways back, by target language; empty without translation."""

    training: Mapping[str, Carried] = field(default_factory=dict)
    development: Mapping[str, Carried] = field(default_factory=dict)
    testing: Mapping[str, BackRoute] = field(default_factory=dict)

    def corpora(self) -> dict[CorpusKey, Corpus]:
        """Return the translated training and development sets as corpora of their languages."""
        carried = [*self.training.items(), *self.development.items()]
        return {(language, one.corpus.split): one.corpus for language, one in carried}


def file_splits(config: Config) -> Iterator[CorpusKey]:
    """Yield the translations to read from the data card, those an aligner can learn from besides included."""
    if not config.method.translates or config.translator.kind != "file" or config.translator.path:
        return
    for target in config.targets:
        if config.method.test == "translated":
            yield target, "translated_test"
        if "translated" in config.method.train or config.data.targets[target].translated_train:
            yield target, "translated_train"
        if "translated" in config.method.train and config.data.targets[target].translated_dev:
            yield target, "translated_dev"


def prepare_routes(config: Config, corpora: Mapping[CorpusKey, Corpus], folder: Path, store: ResultStore) -> Routes:
    """Translate and align what a method needs.

    :param corpora: with the source's training set, the targets' tests, and the card's own translations.
    :param folder: what relative paths of translator and aligner start from.
    :param store: where translations and links are kept.
    :raises HarnessError: a translator or aligner is missing, or translations and sentences differ in number.
    """
    if not config.method.translates:
        return Routes()
    training: dict[str, Carried] = {}
    development: dict[str, Carried] = {}
    testing: dict[str, BackRoute] = {}
    for target in config.targets:
        means = Means(open_aligner(config.aligner, folder), config.method.projection, store)
        if "translated" in config.method.train:
            training[target] = carry(config, corpora, (target, "translated_train"), means, folder)
            source_dev = (config.data.source.language, "dev")
            from_file = config.translator.kind == "file" and not config.translator.path
            if source_dev in corpora and (not from_file or (target, "translated_dev") in corpora):
                development[target] = carry(config, corpora, (target, "translated_dev"), means, folder)
        if config.method.test == "translated":
            testing[target] = _testing(config, corpora, target, means, folder)
    return Routes(training, development, testing)


def carry(config: Config, corpora: Mapping[CorpusKey, Corpus], key: CorpusKey, means: Means, folder: Path) -> Carried:
    """Translate a split of the source, or take its translation from the card, and project its entities.

    :param key: target language, and ``translated_train`` or ``translated_dev``.
    """
    source = config.data.source.language
    target, split = key
    corpus = corpora[(source, split.removeprefix("translated_"))]
    more = more_pairs(corpora, source, target) if split == "translated_dev" else []
    if key in corpora:
        if means.rules.markers != "none":
            raise ConfigError(
                f"method.projection.markers={means.rules.markers} needs a translator that translates marked text; "
                "translator=file has translations without marks (choose another, or markers=none)"
            )
        texts = [sentence.text for sentence in corpora[key].sentences]
        return carry_training(corpus, target, texts, means, more=more)
    translator = open_translator(config.translator, source, target, folder)
    translate = partial(translate_texts, translator, rows=means.store.rows("translations"))
    texts, notes = translate([sentence.text for sentence in corpus.sentences])
    return carry_training(corpus, target, texts, means, notes=notes, translate=translate, more=more)


def _testing(config: Config, corpora: Mapping[CorpusKey, Corpus], target: str, means: Means, folder: Path) -> BackRoute:
    source = config.data.source.language
    test = corpora[(target, "test")]
    notes: dict[str, int] = {}
    if (target, "translated_test") in corpora:
        texts = [sentence.text for sentence in corpora[(target, "translated_test")].sentences]
    else:
        translator = open_translator(config.translator, target, source, folder)
        texts, notes = translate_texts(
            translator, [sentence.text for sentence in test.sentences], means.store.rows("translations")
        )
    return back_route(test, source, texts, means, more=more_pairs(corpora, source, target), notes=notes)


def more_pairs(corpora: Mapping[CorpusKey, Corpus], source: str, target: str) -> list[tuple[Sentence, Sentence]]:
    """Return training pairs for an aligner to learn from, where the card has them: a test set alone is small."""
    translated = corpora.get((target, "translated_train"))
    gold = corpora.get((source, "train"))
    if translated is None or gold is None or len(translated) != len(gold):
        return []
    return list(zip(gold.sentences, translated.sentences, strict=True))
