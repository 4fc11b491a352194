"""From a data card to corpora: read, map labels, compare with what the card expects.

Only the splits a run needs are read. Every difference between the card and the files is returned and logged:
expected counts, dropped labels, repaired spans.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path

from harness.config.data import DataCard, ExpectedCounts, FileSource
from harness.config.strict import resolve_path
from harness.corpora.readers import TEXT_READERS, Reading, reader_for
from harness.corpora.readers.conll import read_conll
from harness.corpora.readers.tables import TABLE_FORMATS, fetch_hub_files, read_table
from harness.corpora.splits import hold_out, without_texts
from harness.machine.provenance import file_digest
from harness.values.account import Account
from harness.values.errors import DataError, FileError, listing, shown
from harness.values.records import Corpus, CorpusKey, Origin, Sentence, Span

logger = logging.getLogger(__name__)

_ENDINGS = {
    ".conll": "conll", ".conllu": "conll", ".iob": "conll", ".iob2": "conll", ".bio": "conll", ".tsv": "conll",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".txt": "lines", ".parquet": "parquet", ".arrow": "arrow",
}  # fmt: skip

_ORIGINS = {
    "synthetic": Origin.SYNTHETIC,
    "synthetic_dev": Origin.SYNTHETIC,
    "translated_train": Origin.TRANSLATED,
    "translated_dev": Origin.TRANSLATED,
    "translated_synthetic_dev": Origin.TRANSLATED,
    "translated_test": Origin.TRANSLATED,
}


@dataclass(frozen=True)
class Difference:
    """An expected count that the files do not show."""

    language: str
    split: str
    what: str
    found: int
    expected: int

    def __str__(self) -> str:
        return f"{self.language}.{self.split}: found {self.found} {self.what}, expected {self.expected}"


@dataclass(frozen=True)
class Catalogue:
    """The corpora of a card that were asked for.

    :param differences: expected counts that were not found; logged as warnings when loading.
    """

    card: DataCard
    corpora: Mapping[CorpusKey, Corpus]
    differences: tuple[Difference, ...]

    def corpus(self, language: str, split: str) -> Corpus:
        """Return one corpus that was asked for."""
        return self.corpora[(language, split)]


def _how_to_get(absent: Sequence[str]) -> str:
    """Return where synthetic sentences come from, if some are missing."""
    synthetic = any(name.endswith(".synthetic") for name in absent)
    return "; 'harness synthesize' writes or imports synthetic sentences" if synthetic else ""


def load_corpora(card: DataCard, folder: Path, wanted: Iterable[CorpusKey], *, held_out: float = 0) -> Catalogue:
    """Read splits of a card.

    :param folder: what the card's relative paths start from.
    :param wanted: language and split; all must be on the card.
    :param held_out: share of a synthetic corpus that becomes ``synthetic_dev`` where the card has no such file, 0..1.
    :raises DataError: a split is not on the card, a file is missing, malformed, empty, or has labels that the card
        neither lists nor maps.
    """
    keys = list(dict.fromkeys(wanted))
    source_dev = (card.source.language, "dev")
    cut = source_dev in keys and card.source.dev is None and card.source.dev_share is not None
    if cut:
        keys = list(dict.fromkeys((card.source.language, "train") if key == source_dev else key for key in keys))
    absent = [f"{language}.{split}" for language, split in keys if _source(card, language, split) is None]
    if absent:
        raise DataError(
            f"{card.name} has no {listing(absent)}; name the file on the data card (targets.LANGUAGE.SPLIT: {{path: …, "
            "format: …}) or choose other languages" + _how_to_get(absent)
        )
    corpora: dict[CorpusKey, Corpus] = {}
    differences: list[Difference] = []
    for language, split in keys:
        source = _source(card, language, split)
        assert source is not None
        corpus = _corpus(card, _read(card, source, language, split, folder), language, split, source)
        expected = card.expected.get(f"{language}.{split}")
        if expected:
            differences += _differences(corpus, expected)
        corpora[(language, split)] = corpus
    if cut:
        whole = corpora[(card.source.language, "train")]
        corpora |= {(half.language, half.split): half for half in _hold_out(whole, card.source.dev_share or 0.0)}
    corpora |= _hold_out_synthetic(card, corpora, held_out)
    for difference in differences:
        logger.warning("%s %s", card.name, difference)
    return Catalogue(card, corpora, tuple(differences))


def check_files(card: DataCard, folder: Path, wanted: Iterable[CorpusKey]) -> None:
    """Look whether the local files of splits are there, without reading them; see :func:`load_corpora`.

    :raises FileError: one is not.
    """
    for language, split in wanted:
        source = _source(card, language, split)
        if source and source.path and not resolve_path(source.path, folder).exists():
            raise FileError(f"no such file: {resolve_path(source.path, folder)} ({card.name} {language}.{split})")


def _read(card: DataCard, source: FileSource, language: str, split: str, folder: Path) -> Reading:
    """Read a source; of a restricted corpus, errors say where and never what: messages end up in logs and databases."""
    annotated = not split.startswith("translated")
    with _contents_withheld(source_path(source, folder), card.name) if card.restricted else nullcontext():
        return read_source(source, language, folder, annotated=annotated)


@contextmanager
def _contents_withheld(path: Path, name: str) -> Iterator[None]:
    try:
        yield
    except FileError:
        raise  # tells of the file, not of what is in it
    except Exception as error:  # noqa: BLE001 - of restricted text no message of anybody's may come out
        if isinstance(error, DataError):
            place = _place(str(error), path)
        else:  # a defect of ours: its message may hold anything
            place = f"{path}: {type(error).__name__}"
        raise DataError(
            f"{place}: cannot be read; what it holds is withheld, because {name} is restricted (read a copy that is "
            "not, to see the reason)"
        ) from None


def source_path(source: FileSource, folder: Path) -> Path:
    """Return where a local source lies; for a hub data set its id."""
    return resolve_path(source.path, folder) if source.path else Path(source.hub or "")


def _place(message: str, path: Path) -> str:
    """Return file and line, row or item of a reader's message, nothing else of it.

    In a folder the file's name is repeated only if there is such a file: anything may stand in a message.
    """
    rest = message.removeprefix(str(path)) if message.startswith(str(path)) else ""
    match = re.match(r"((?:/[^\n:]+)?)(?::(\d+)|: row (\d+)|: item (\d+))", rest)
    if not match or (match[1] and not Path(f"{path}{match[1]}").is_file()):
        return str(path)
    number = f":{match[2]}" if match[2] else f": row {match[3]}" if match[3] else f": item {match[4]}"
    return f"{path}{match[1]}{number}"


def _source(card: DataCard, language: str, split: str) -> FileSource | None:
    if language not in card.languages:
        return None
    source = getattr(card.language_files(language), split, None)
    return source if isinstance(source, FileSource) else None


def read_source(source: FileSource, language: str, folder: Path, *, annotated: bool = True) -> Reading:
    """Read one split, from disk or from the hub.

    :param annotated: false for texts to tag or to translate, which may lack annotations.
    :raises DataError: see :func:`load_corpora`; also a checksum that differs.
    """
    if source.hub is not None:
        path = fetch_hub_files(source)
        if source.revision is None:
            logger.warning("hub data set %s has no pinned revision: its content may change between runs", source.hub)
    else:
        path = resolve_path(source.path or "", folder)
    if source.sha256 and path.is_file() and file_digest(path) != source.sha256.lower():
        raise FileError(f"{path}: SHA-256 {file_digest(path)}, the card says {source.sha256}; the file has changed")
    name = source.format or format_of(path)
    if name != "conll" and (source.token_column, source.tag_column) != (None, None):
        raise FileError(f"{path}: token_column and tag_column belong to format conll, this file is {name}")
    if name in TABLE_FORMATS:
        return read_table(path, language, source, annotated=annotated)
    if name == "conll":
        return read_conll(
            path,
            language,
            token_column=source.token_column,
            tag_column=source.tag_column,
            annotated=annotated,
        )
    if not annotated and name in TEXT_READERS:
        return TEXT_READERS[name](path, language)
    return reader_for(name)(path, language)


def read_texts(path: Path, language: str, format_name: str | None = None, *, restricted: bool = False) -> Reading:
    """Read texts to tag, to translate or to score from any format that can be read, annotated or not.

    :param restricted: a message may say where a fault is, and never what is there.
    """
    source = FileSource(path=str(path.absolute()), format=format_name)
    with _contents_withheld(path.absolute(), path.name) if restricted else nullcontext():
        return read_source(source, language, Path.cwd(), annotated=False)


def format_of(path: Path) -> str:
    """Return the format a file's ending stands for.

    :raises DataError: the ending is not known.
    """
    if path.is_dir():
        return "brat" if any(path.rglob("*.ann")) else "parquet"
    try:
        return _ENDINGS[path.suffix.lower()]
    except KeyError:
        what = "" if path.exists() else "no such file, and "
        raise FileError(
            f"{path}: {what}the ending tells no format; give it with --from, or format: on a card "
            f"(known endings: {listing(_ENDINGS, most=20)})"
        ) from None


def _differences(corpus: Corpus, expected: ExpectedCounts) -> list[Difference]:
    counts = {"sentences": len(corpus), "entities": corpus.entities}
    return [
        Difference(corpus.language, corpus.split, what, number, getattr(expected, what))
        for what, number in counts.items()
        if getattr(expected, what) is not None and getattr(expected, what) != number
    ]


def _hold_out(corpus: Corpus, share: float) -> tuple[Corpus, Corpus]:
    """Cut a dev set off a training set by document (brat's ``NAME-17`` is of document NAME), the same every time."""

    def is_dev(sentence: Sentence) -> bool:
        document = sentence.id.rpartition("-")[0] or sentence.id
        drawn = int.from_bytes(blake2b(document.encode(), digest_size=4).digest()) / 2**32
        return drawn < share

    train = tuple(sentence for sentence in corpus.sentences if not is_dev(sentence))
    dev = tuple(sentence for sentence in corpus.sentences if is_dev(sentence))
    if not train or not dev:
        raise DataError(
            f"{corpus.name}: data.source.dev_share={share:g} leaves {len(train)} training and {len(dev)} dev sentences"
        )
    return replace(corpus, sentences=train), replace(corpus, sentences=dev, split="dev")


def _hold_out_synthetic(card: DataCard, corpora: Mapping[CorpusKey, Corpus], share: float) -> dict[CorpusKey, Corpus]:
    """Keep synthetic training and dev sentences apart: cut a share off each corpus that has no dev file, and take out
    of the others what stands in theirs.
    """
    cut: dict[CorpusKey, Corpus] = {}
    for (language, split), corpus in corpora.items():
        if split != "synthetic":
            continue
        dev = corpora.get((language, "synthetic_dev"))
        if dev is not None:
            cut[(language, split)] = without_texts(corpus, dev, "also_in_synthetic_dev")
        elif share:
            rest, held = hold_out(corpus, share, "synthetic_dev")
            cut |= {(language, split): rest} | ({(language, "synthetic_dev"): held} if len(held) else {})
    return cut


def _corpus(card: DataCard, reading: Reading, language: str, split: str, source: FileSource) -> Corpus:
    place = source.path or f"{source.hub}:{source.files or ''}"
    if not reading.sentences:
        raise DataError(f"{card.name} {language}.{split} ({place}) holds no sentence")
    account = _told(reading.account, card)
    _check_labels(reading.sentences, card, place)
    sentences = tuple(map_labels(sentence, card, account) for sentence in reading.sentences)
    for reason, count in sorted(account.items()):
        logger.info("%s %s.%s: %s %d", card.name, language, split, reason.replace("_", " "), count)
    return Corpus(
        card.name,
        split,
        language,
        sentences,
        card.labels,
        _ORIGINS.get(split, Origin.GOLD),
        dict(account),
        card.restricted and not source.public,
    )


def _told(account: Account, card: DataCard) -> Account:
    """Return a reader's account as it may be logged: of a restricted corpus, names that its card does not have go."""
    if not card.restricted:
        return Account(account)
    known = {*card.labels, *card.label_map}
    told = Account()
    for reason, count in account.items():
        kind, _, name = reason.partition("/")
        told[reason if name in known or kind in _FIXED_NAMES else kind] += count
    return told


_FIXED_NAMES = ("offsets_shifted", "answers_dropped")
"""Parts of an account whose second name is one of ours, never of the file."""


def _check_labels(sentences: Sequence[Sentence], card: DataCard, place: str) -> None:
    """Refuse labels that a card neither lists nor maps, all of them at once.

    Of a restricted corpus none is named: where columns were taken for one another, a label may be a patient's name.

    :raises DataError: there are such labels.
    """
    known = {*card.labels, *card.label_map}
    first: dict[str, int] = {}
    for number, sentence in enumerate(sentences, 1):
        for span in sentence.spans:
            if span.label not in known:
                first.setdefault(span.label, number)
    if not first:
        return
    names = sorted(first)
    if card.restricted:
        raise DataError(
            f"{place}: {len(first)} labels that the card neither lists nor maps, first in sentence "
            f"{min(first.values())}; "
            f"which ones is withheld, because {card.name} is restricted; the card has {list(card.labels)} and "
            f"label_map {listing(card.label_map) or 'of none'}"
        )
    label, more = names[0], f" (and {len(names) - 1} more: {listing(names[1:], most=6)})" if len(names) > 1 else ""
    where, plain = shown(sentences[first[label] - 1].id)[1:-1], shown(label)[1:-1]
    near = get_close_matches(label, card.labels, n=1)
    remedy = (
        f"correct labels: in the data card, or rename it there with label_map: {{{plain}: {near[0]}}}"
        if near
        else f"add it to labels: in the data card, or rename or drop it there, for example label_map: {{{plain}: null}}"
    )
    raise DataError(f"{place}: sentence {where} has label {shown(label)}{more}; allowed {list(card.labels)}; {remedy}")


def map_labels(sentence: Sentence, card: DataCard, account: Account) -> Sentence:
    """Rename and drop labels as the card says, counting what is dropped."""
    kept = []
    for span in sentence.spans:
        label = card.label_map.get(span.label, span.label)
        if label is None:
            account[f"label_dropped/{span.label}"] += 1
            continue
        kept.append(Span(span.start, span.end, label))
    return sentence.with_spans(kept)
