"""The transfer stages on files of their own: ``harness translate | align | project``, and their intrinsic scores.

Translators are measured by chrF and BLEU against references (sacrebleu), aligners by alignment error rate where gold
links exist and by the span F1 of what is projected over their links. These scores choose translator and aligner; a
downstream F1 never does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from harness.config import AlignerCard, Config, FileSource, ProjectionCard, TranslatorCard, compose_config
from harness.corpora.catalogue import read_source, read_texts
from harness.corpora.readers.text import text_lines
from harness.evaluation.measures import measures
from harness.evaluation.spans import count_spans
from harness.machine.store import DiskStore, MemoryStore, ResultStore, cache_key, working_rows
from harness.transfer.align.contract import Links, WordPair
from harness.transfer.align.file import check_links, read_pharaoh
from harness.transfer.align.open import open_aligner
from harness.transfer.align.words import alignment_text
from harness.transfer.parallel import align_corpora
from harness.transfer.translate.open import open_translator
from harness.transfer.translate.texts import translate_texts
from harness.values.account import Account
from harness.values.errors import DataError, FileError, UsageError, shown
from harness.values.languages import normalise_language
from harness.values.records import Sentence, Span


@dataclass(frozen=True)
class Languages:
    """Source and target as BCP-47 tags."""

    source: str
    target: str

    @classmethod
    def of(cls, source: str, target: str) -> "Languages":
        """Normalise two codes."""
        return cls(normalise_language(source), normalise_language(target))

    @property
    def pair(self) -> str:
        """``en-es``."""
        return f"{self.source}-{self.target}"


def cards(
    overrides: Sequence[str], config_dir: Path | None, *, translator: str = "file", aligner: str = "hmm"
) -> tuple[TranslatorCard, AlignerCard, ProjectionCard]:
    """Return the cards of a translator and an aligner, with overrides of their keys and of ``method.projection``.

    :raises ConfigError: an unknown choice or key.
    """
    allowed = ("translator.", "aligner.", "method.projection.")
    strange = [one for one in overrides if not one.startswith(allowed)]
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
    found = []
    for sentence in lines:
        offsets = []
        place = 0
        # A no-break space is part of its token, as in the tokens of a corpus.
        words = [word for word in re.split("[ \t]+", sentence.text) if word.strip()]
        for word in words:
            offsets.append((place, place + len(word)))
            place += len(word) + 1
        found.append(Sentence(sentence.id, " ".join(words), language, (), tuple(offsets)))
    return tuple(found)


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


def result_store(*, keep: bool) -> ResultStore:
    """Return where a command keeps its results: the shared cache if the user asks for it, else memory."""
    return DiskStore() if keep else MemoryStore()


def translate_file(
    sentences: Sequence[Sentence], card: TranslatorCard, languages: Languages, *, keep: bool, restricted: bool
) -> tuple[list[str], dict[str, int]]:
    """Translate sentences; see :func:`harness.transfer.translate.texts.translate_texts`.

    :param keep: put the translations into the shared cache, and take them from it.
    :param restricted: put nothing on the disk. Otherwise a working file lasts until the command ends well, so that a
        killed one goes on where it was, and two at once do not ask for the same.
    """
    translator = open_translator(card, languages.source, languages.target, Path.cwd())
    texts = [sentence.text for sentence in sentences]
    if restricted or keep:
        return translate_texts(translator, texts, result_store(keep=keep and not restricted).rows("translations"))
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


def align_files(
    sources: Sequence[Sentence],
    targets: Sequence[Sentence],
    card: AlignerCard,
    *,
    store: ResultStore,
    more: Sequence[tuple[Sentence, Sentence]] = (),
) -> tuple[list[Links], list[WordPair]]:
    """Align sentence pairs and return the links with the words they count.

    :param store: where the links, which are numbers alone, are kept and looked up.
    """
    aligner = open_aligner(card, Path.cwd())
    parallel = align_corpora(aligner, sources, targets, store, more=more)
    pairs = [
        WordPair(one.words, other.words)
        for one, other in zip(parallel.source_texts, parallel.target_texts, strict=True)
    ]
    return list(parallel.links), pairs


def write_priors(sources: Sequence[Sentence], targets: Sequence[Sentence], card: AlignerCard, path: Path) -> None:
    """Learn eflomal's priors from sentence pairs, for later runs on small corpora."""
    if card.kind != "eflomal":
        raise UsageError(f"--write-priors: aligner {card.name!r} has none; use --aligner eflomal")
    from harness.transfer.align.eflomal import EflomalAligner

    pairs = [
        WordPair(alignment_text(one).words, alignment_text(other).words)
        for one, other in zip(sources, targets, strict=True)
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
    found = sure_found = possible_found = sure = 0
    for one, own in zip(golden, links, strict=True):
        certain = {link for link, weight in one.items() if weight == 1.0}
        found += len(own)
        sure += len(certain)
        sure_found += len(certain & own.keys())
        possible_found += len(one.keys() & own.keys())
    return {
        "aer": 1 - (sure_found + possible_found) / (found + sure) if found + sure else 0.0,
        "precision": possible_found / found if found else 0.0,
        "recall": sure_found / sure if sure else 0.0,
    }


def project_files(
    sources: Sequence[Sentence],
    targets: Sequence[Sentence],
    card: AlignerCard,
    rules: ProjectionCard,
    *,
    store: ResultStore,
    more: Sequence[tuple[Sentence, Sentence]] = (),
) -> tuple[list[Sentence], Account, list[Links], list[WordPair]]:
    """Project the sources' spans onto the targets, every pair kept and in order.

    A sentence that lost an entity has the regions where it may stand as ``unknown``, as in ``harness run``, unless
    ``rules.lost`` says otherwise.
    """
    aligner = open_aligner(card, Path.cwd())
    parallel = align_corpora(aligner, sources, [one.with_spans(()) for one in targets], store, more=more)
    account = Account()
    projected = []
    for source, target, found in zip(sources, targets, parallel.project(None, rules), strict=True):
        account.add(found.account)
        unknown = tuple(found.unexplained) if found.lost and rules.lost == "mask" else ()
        projected.append(replace(target.with_spans(found.spans), id=source.id, unknown=unknown))
    pairs = [
        WordPair(one.words, other.words)
        for one, other in zip(parallel.source_texts, parallel.target_texts, strict=True)
    ]
    return projected, account, list(parallel.links), pairs


def read_gold(path: Path, targets: Sequence[Sentence], language: str) -> tuple[Sentence, ...]:
    """Read manual gold on the same target texts, blanks apart; checked before anything slow begins.

    :raises DataError: the gold holds other sentences; names the first.
    """
    golden = read_sentences(path, language)
    if len(golden) != len(targets):
        raise DataError(f"{path}: {len(golden)} sentences, {len(targets)} are projected; they must be the same")
    for number, (one, own) in enumerate(zip(golden, targets, strict=True), 1):
        if "".join(one.text.split()) != "".join(own.text.split()):
            raise DataError(f"{path}: sentence {number} reads {shown(one.text)}, the projected one {shown(own.text)}")
    return golden


def projection_scores(projected: Sequence[Sentence], golden: Sequence[Sentence]) -> dict[str, Any]:
    """Return entity and span F1 of projected spans against manual gold of :func:`read_gold`."""
    sides: tuple[list[list[Span]], list[list[Span]]] = ([], [])
    for one, own in zip(golden, projected, strict=True):
        for side, sentence in zip(sides, (one, own), strict=True):
            side.append([_without_blanks(sentence, span) for span in sentence.spans])
    labels = tuple(sorted({span.label for side in sides for spans in side for span in spans}))
    values = measures(count_spans(sides[0], sides[1], labels), labels)
    wanted = ("entity_f1", "entity_precision", "entity_recall", "span_f1", "span_precision", "span_recall")
    return {name: values[name] for name in (*wanted, "gold_entities", "predicted_entities")}


def _without_blanks(sentence: Sentence, span: Span) -> Span:
    """Return a span counted in visible characters, so that tokenised and raw text can be compared."""
    before = len("".join(sentence.text[: span.start].split()))
    return Span(before, before + len("".join(sentence.surface(span).split())), span.label)


def data_digest(*sides: Sequence[Sentence]) -> str:
    """Return what identifies the data a ranking was made on."""
    state = blake2b(digest_size=8)
    for side in sides:
        state.update(repr([sentence.text for sentence in side]).encode())
    return state.hexdigest()


def ranked(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return names and scores, the best first."""
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
