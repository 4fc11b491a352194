"""The transfer stages on files of their own: ``harness translate | align | project``, and their intrinsic scores.

Translators are measured by chrF and BLEU against references (sacrebleu), aligners by alignment error rate where gold
links exist and by the span F1 of what is projected over their links. These scores choose translator and aligner; a
downstream F1 never does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.config import AlignerCard, Config, FileSource, ProjectionCard, TranslatorCard, compose_config
from harness.corpora.catalogue import read_source, read_texts
from harness.corpora.readers.text import text_lines
from harness.evaluation.measures import measures
from harness.evaluation.spans import count_spans
from harness.machine.store import cache_key, working_rows
from harness.transfer.align.contract import Links, WordPair
from harness.transfer.align.file import check_links, read_pharaoh
from harness.transfer.align.open import open_aligner
from harness.transfer.align.words import alignment_text
from harness.transfer.parallel import Parallel, align_corpora
from harness.transfer.projection.spans import fate_counts
from harness.transfer.translate.open import open_translator
from harness.transfer.translate.texts import translate_texts
from harness.values.account import Account
from harness.values.errors import DataError, FileError, UsageError, shown
from harness.values.labels import join_tokens
from harness.values.records import Sentence, Span
from harness.workflows.candidates import Choice, Compared, Languages, Scored, Side, compare_candidates


def cards(
    overrides: Sequence[str], config_dir: Path | None, *, translator: str = "file", aligner: str = "joint"
) -> tuple[TranslatorCard, AlignerCard, ProjectionCard]:
    """Return the cards of a translator and an aligner, with overrides of their keys and of ``method.projection``.

    :raises ConfigError: an unknown choice or key.
    """
    allowed = ("translator.", "aligner.", "method.projection.")
    strange = [override for override in overrides if not override.startswith(allowed)]
    if strange:
        raise UsageError(f"{strange[0]!r} has no place here; keys begin with {', '.join(allowed)}")
    chosen = ["method=translate_train", f"translator={translator}", f"aligner={aligner}", *overrides]
    config: Config = compose_config(chosen, config_dir)
    return config.translator, config.aligner, config.method.projection


def read_sentences(path: Path, language: str, *, restricted: bool = False) -> tuple[Sentence, ...]:
    """Read sentences of any known format; text files are one sentence a line. Annotations may be missing.

    :param restricted: no message holds text of theirs.
    """
    if not path.exists():
        raise FileError(f"no such file: {path}")
    return read_texts(path, language, restricted=restricted).sentences


def read_targets(path: Path, language: str, *, pretokenised: bool) -> tuple[Sentence, ...]:
    """Read one translation a line.

    :param pretokenised: tokens are what stands between blanks, and are kept.
    """
    if not path.is_file():
        raise FileError(f"no such file: {path}")
    lines = read_source(FileSource(path=str(path.absolute()), format="lines"), language, Path.cwd()).sentences
    if not pretokenised:
        return lines
    targets = []
    for sentence in lines:
        # A no-break space is part of its token, as in the tokens of a corpus.
        text, offsets = join_tokens([word for word in re.split("[ \t]+", sentence.text) if word.strip()])
        targets.append(Sentence(sentence.id, text, language, (), offsets))
    return tuple(targets)


def read_pairs(path: Path, languages: Languages) -> list[tuple[Sentence, Sentence]]:
    """Read ``source TAB target`` lines: further pairs for an aligner to learn from."""
    if not path.is_file():
        raise FileError(f"no such file: {path}")
    pairs = []
    for number, line in enumerate(text_lines(path), 1):
        if not line.strip():
            continue
        source, tab, target = line.partition("\t")
        if not tab:
            raise DataError(f"{path}:{number}: found no tab, expected SOURCE<tab>TARGET")
        name = str(number)
        pairs.append(
            (
                Sentence(name, " ".join(source.split()), languages.source),
                Sentence(name, " ".join(target.split()), languages.target),
            )
        )
    return pairs


def same_number(first: Path, sources: Side, second: Path, targets: Side) -> None:
    """Check that two files are sentence by sentence.

    :raises DataError: they differ in number.
    """
    if len(sources) != len(targets):
        raise DataError(
            f"{first} has {len(sources)} sentences and {second} {len(targets)} lines; line N must be the translation "
            "of sentence N (keep a blank line where there is none)"
        )


Translations = tuple[list[str], dict[str, int]]
"""Translations in order and number, and what to count."""


def translate_file(
    source: Path, languages: Languages, choice: Choice, references: Path | None
) -> Compared[Translations]:
    """Translate a file.

    :param references: reference translations to score by, one a line.
    :raises DataError: references and sentences differ in number.
    :raises UsageError: the texts are restricted, and a translator would send them to another machine.
    """
    sentences = read_sentences(source, languages.source, restricted=choice.restricted)
    wanted = read_targets(references, languages.target, pretokenised=False) if references else ()
    if references and (len(wanted) != len(sentences) or not sentences):
        raise DataError(
            f"{source} has {len(sentences)} sentences and {references} {len(wanted)} references; line by line"
        )
    texts = [sentence.text for sentence in sentences]

    def run(name: str) -> Scored[Translations]:
        card, _, _ = cards(choice.overrides, choice.config_dir, translator=name)
        if choice.restricted and card.leaves_machine:
            raise UsageError(f"translator {card.name} sends text to another machine; --restricted forbids it")
        result = _translated(texts, card, languages, choice)
        if not references:
            return Scored(result, {}, None, card)
        scores = translation_scores(result[0], [sentence.text for sentence in wanted], languages.target)
        return Scored(result, scores, ("chrf", scores["chrf"]), card)

    return compare_candidates(choice, run, languages, (sentences, wanted))


def _translated(texts: Sequence[str], card: TranslatorCard, languages: Languages, choice: Choice) -> Translations:
    translator = open_translator(card, languages.source, languages.target, Path.cwd())
    if choice.restricted or choice.keep:
        return translate_texts(translator, texts, choice.store.rows("translations"))
    # A working file lasts until the command ends well, so that a killed one goes on where it was, and two at once do
    # not ask for the same.
    with working_rows("translations", cache_key("working", translator=dict(translator.identity))) as rows:
        return translate_texts(translator, texts, rows)


def translation_scores(translations: Sequence[str], references: Sequence[str], language: str) -> dict[str, float]:
    """Return chrF and BLEU, both 0..1, against one reference each (sacrebleu; Popović 2015, Papineni et al. 2002).

    :raises DataError: translations and references differ in number.
    """
    import sacrebleu

    if len(translations) != len(references):
        raise DataError(f"{len(translations)} translations have {len(references)} references")
    if not translations:
        raise DataError("there is nothing to score: 0 translations")
    base = language.partition("-")[0]
    tokenizer = "zh" if base == "zh" else "char" if base in ("ja", "th", "lo", "km", "my") else "13a"
    return {
        "chrf": sacrebleu.corpus_chrf(list(translations), [list(references)]).score / 100,
        "bleu": sacrebleu.corpus_bleu(list(translations), [list(references)], tokenize=tokenizer).score / 100,
    }


@dataclass(frozen=True)
class PairFiles:
    """Two files of sentence pairs.

    :param source, target: where they were read from.
    :param more: further pairs that an aligner learns from.
    """

    source: Path
    target: Path
    sources: tuple[Sentence, ...]
    targets: tuple[Sentence, ...]
    more: Sequence[tuple[Sentence, Sentence]] = ()


def read_pair_files(
    source: Path, target: Path, languages: Languages, *, pretokenised: bool, learn_from: Path | None, labelled: bool
) -> PairFiles:
    """Read sentences and their translations.

    :param pretokenised: tokens of text lines are what stands between blanks.
    :param learn_from: a file of further pairs.
    :param labelled: the source has entities; text lines have none.
    :raises DataError: they differ in number.
    """
    lines = source.suffix == ".txt" and pretokenised and not labelled
    sources = (
        read_targets(source, languages.source, pretokenised=True) if lines else read_sentences(source, languages.source)
    )
    targets = read_targets(target, languages.target, pretokenised=pretokenised)
    same_number(source, sources, target, targets)
    return PairFiles(source, target, sources, targets, read_pairs(learn_from, languages) if learn_from else ())


def align_files(
    files: PairFiles, languages: Languages, choice: Choice, *, gold: Path | None, priors: Path | None
) -> Compared[list[Links]]:
    """Align the words of two files.

    :param gold: gold links to score by.
    :param priors: file to write eflomal's priors to.
    """

    def run(name: str) -> Scored[list[Links]]:
        _, card, _ = cards(choice.overrides, choice.config_dir, aligner=name)
        if priors:
            write_priors(files.sources, files.targets, card, priors)
        aligner = open_aligner(card, Path.cwd())
        parallel = align_corpora(aligner, files.sources, files.targets, choice.store, more=files.more)
        links = list(parallel.links)
        if not gold:
            return Scored(links, {}, None, card)
        scores = alignment_error(links, gold, parallel.pairs)
        return Scored(links, scores, ("1-aer", 1 - scores["aer"]), card)

    return compare_candidates(choice, run, languages, (files.sources, files.targets))


def write_priors(sources: Sequence[Sentence], targets: Sequence[Sentence], card: AlignerCard, path: Path) -> None:
    """Learn eflomal's priors from sentence pairs, for later runs on small corpora."""
    if card.kind != "eflomal":
        raise UsageError(f"--write-priors: aligner {card.name!r} has none; use --aligner eflomal")
    from harness.transfer.align.eflomal import EflomalAligner

    pairs = [
        WordPair(alignment_text(source).words, alignment_text(target).words)
        for source, target in zip(sources, targets, strict=True)
    ]
    EflomalAligner(card, Path.cwd()).write_priors([pair for pair in pairs if pair.source and pair.target], path)


def alignment_error(links: Sequence[Links], gold: Path, pairs: Sequence[WordPair]) -> dict[str, float]:
    """Return alignment error rate, precision and recall (Och and Ney 2003) against sure and possible gold links.

    :raises DataError: lines and pairs differ in number, or a gold link points outside its sentences.
    """
    golden = read_pharaoh(gold)
    if len(golden) != len(links):
        raise DataError(f"{gold}: {len(golden)} lines of gold links for {len(links)} sentence pairs")
    check_links(golden, pairs, str(gold))
    links_found = sure_found = possible_found = sure = 0
    for gold_links, own in zip(golden, links, strict=True):
        certain = {link for link, weight in gold_links.items() if weight == 1.0}
        links_found += len(own)
        sure += len(certain)
        sure_found += len(certain & own.keys())
        possible_found += len(gold_links.keys() & own.keys())
    return {
        "aer": 1 - (sure_found + possible_found) / (links_found + sure) if links_found + sure else 0.0,
        "precision": possible_found / links_found if links_found else 0.0,
        "recall": sure_found / sure if sure else 0.0,
    }


@dataclass(frozen=True)
class Projected:
    """A translation with projected spans, every pair kept and in order.

    :param account: the fates of the source spans.
    """

    sentences: list[Sentence]
    account: Account

    @property
    def counts(self) -> dict[str, int]:
        """What became of the spans, and sentences in which an entity may stand unseen."""
        unknown = sum(bool(sentence.unknown) for sentence in self.sentences)
        return fate_counts(self.account) | {"sentences_with_unknown_regions": unknown}


def project_files(
    files: PairFiles, languages: Languages, choice: Choice, *, gold: Path | None, gold_links: Path | None
) -> Compared[Projected]:
    """Project the sources' spans onto the targets.

    A sentence that lost an entity has the regions where it may stand as ``unknown``, as in ``harness run``, unless
    ``method.projection.lost`` says otherwise.

    :param gold: manual gold on the target text to score by.
    :param gold_links: gold links to score by.
    :raises UsageError: sentences would be dropped: this writes one line a pair.
    """
    golden = read_gold(gold, files.targets, languages.target) if gold else ()

    def run(name: str) -> Scored[Projected]:
        _, card, rules = cards(choice.overrides, choice.config_dir, aligner=name)
        if rules.lost == "drop":
            raise UsageError(
                "method.projection.lost=drop: harness project writes one line a pair; use mask or keep here"
            )
        plain = [sentence.with_spans(()) for sentence in files.targets]
        aligner = open_aligner(card, Path.cwd())
        parallel = align_corpora(aligner, files.sources, plain, choice.store, more=files.more)
        projected = _projected(files, parallel, rules)
        scores: dict[str, float] = {}
        if gold:
            scores |= projection_scores(projected.sentences, golden)
        if gold_links:
            scores |= alignment_error(list(parallel.links), gold_links, parallel.pairs)
        if not scores:
            return Scored(projected, {}, None, card)
        measure = ("span_f1", scores["span_f1"]) if gold else ("1-aer", 1 - scores["aer"])
        return Scored(projected, scores, measure, card)

    return compare_candidates(choice, run, languages, (files.sources, files.targets))


def _projected(files: PairFiles, parallel: Parallel, rules: ProjectionCard) -> Projected:
    account = Account()
    sentences = []
    for source, target, projection in zip(files.sources, files.targets, parallel.project(None, rules), strict=True):
        account.add(projection.account)
        unknown = tuple(projection.unexplained) if projection.lost and rules.lost == "mask" else ()
        sentences.append(replace(target.with_spans(projection.spans), id=source.id, unknown=unknown))
    return Projected(sentences, account)


def read_gold(path: Path, targets: Sequence[Sentence], language: str) -> tuple[Sentence, ...]:
    """Read manual gold on the same target texts, blanks apart; checked before anything slow begins.

    :raises DataError: the gold holds other sentences; names the first.
    """
    golden = read_sentences(path, language)
    if len(golden) != len(targets):
        raise DataError(f"{path}: {len(golden)} sentences, {len(targets)} are projected; they must be the same")
    for number, (gold_sentence, own) in enumerate(zip(golden, targets, strict=True), 1):
        if "".join(gold_sentence.text.split()) != "".join(own.text.split()):
            raise DataError(
                f"{path}: sentence {number} reads {shown(gold_sentence.text)}, the projected one {shown(own.text)}"
            )
    return golden


def projection_scores(projected: Sequence[Sentence], golden: Sequence[Sentence]) -> dict[str, Any]:
    """Return entity and span F1 of projected spans against manual gold of :func:`read_gold`."""
    sides: tuple[list[list[Span]], list[list[Span]]] = ([], [])
    for gold_sentence, own in zip(golden, projected, strict=True):
        for side, sentence in zip(sides, (gold_sentence, own), strict=True):
            side.append([_without_blanks(sentence, span) for span in sentence.spans])
    labels = tuple(sorted({span.label for side in sides for spans in side for span in spans}))
    values = measures(count_spans(sides[0], sides[1], labels), labels)
    wanted = ("entity_f1", "entity_precision", "entity_recall", "span_f1", "span_precision", "span_recall")
    return {name: values[name] for name in (*wanted, "gold_entities", "predicted_entities")}


def _without_blanks(sentence: Sentence, span: Span) -> Span:
    """Return a span counted in visible characters, so that tokenised and raw text can be compared."""
    before = len("".join(sentence.text[: span.start].split()))
    return Span(before, before + len("".join(sentence.surface(span).split())), span.label)
