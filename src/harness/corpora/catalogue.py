"""From a data card to corpora: read, map labels, compare with what the card expects.

Only the splits a run needs are read. Every difference between the card and the files is returned and logged:
expected counts, dropped labels, repaired spans.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

from harness.config.cards import DataCard, ExpectedCounts, FileSource, resolve_path
from harness.corpora.readers import Reading, reader_for
from harness.corpora.readers.huggingface import TABLE_FORMATS, fetch_hub_files, read_table
from harness.errors import DataError, listing
from harness.provenance import file_digest
from harness.records import Corpus, Origin, Sentence, Span

logger = logging.getLogger(__name__)

_ENDINGS = {
    ".conll": "conll", ".iob": "conll", ".iob2": "conll", ".bio": "conll", ".tsv": "conll",
    ".jsonl": "jsonl", ".json": "jsonl", ".txt": "lines", ".parquet": "parquet", ".arrow": "arrow",
}  # fmt: skip

_ORIGINS = {
    "synthetic": Origin.SYNTHETIC,
    "translated_train": Origin.TRANSLATED,
    "translated_test": Origin.TRANSLATED,
}

Key = tuple[str, str]
"""Language and split."""


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
    corpora: Mapping[Key, Corpus]
    differences: tuple[Difference, ...]

    def corpus(self, language: str, split: str) -> Corpus:
        """Return one corpus that was asked for."""
        return self.corpora[(language, split)]


def load_corpora(card: DataCard, folder: Path, wanted: Iterable[Key]) -> Catalogue:
    """Read splits of a card.

    :param folder: what the card's relative paths start from.
    :param wanted: language and split; all must be on the card.
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
            f"{card.name} has no {listing(absent)}; add the files to the data card or choose other languages"
        )
    corpora: dict[Key, Corpus] = {}
    differences: list[Difference] = []
    for language, split in keys:
        source = _source(card, language, split)
        assert source is not None
        corpus = _corpus(card, _read(card, source, language, folder), language, split, source)
        expected = card.expected.get(f"{language}.{split}")
        if expected:
            differences += _differences(corpus, expected)
        corpora[(language, split)] = corpus
    if cut:
        whole = corpora[(card.source.language, "train")]
        corpora |= {(half.language, half.split): half for half in _hold_out(whole, card.source.dev_share or 0.0)}
    for difference in differences:
        logger.warning("%s %s", card.name, difference)
    return Catalogue(card, corpora, tuple(differences))


def _read(card: DataCard, source: FileSource, language: str, folder: Path) -> Reading:
    """Read a source; for a restricted corpus, errors say where and not what: messages end up in logs."""
    try:
        return read_source(source, language, folder)
    except DataError as error:
        place = re.match(r"(.+?\.\w+:\d+)", str(error))
        if not card.restricted or not place:
            raise
        raise DataError(
            f"{place[1]}: this line cannot be read; what it holds is withheld, because {card.name} is restricted"
        ) from None


def _source(card: DataCard, language: str, split: str) -> FileSource | None:
    if language not in card.languages:
        return None
    found = getattr(card.language_files(language), split, None)
    return found if isinstance(found, FileSource) else None


def read_source(source: FileSource, language: str, folder: Path) -> Reading:
    """Read one split, from disk or from the hub.

    :raises DataError: see :func:`load_corpora`; also a checksum that differs.
    """
    if source.hub is not None:
        path = fetch_hub_files(source)
        if source.revision is None:
            logger.warning("hub data set %s has no pinned revision: its content may change between runs", source.hub)
    else:
        path = resolve_path(source.path or "", folder)
    if source.sha256 and path.is_file() and file_digest(path) != source.sha256.lower():
        raise DataError(f"{path}: SHA-256 {file_digest(path)}, the card says {source.sha256}; the file has changed")
    name = source.format or format_of(path)
    if name in TABLE_FORMATS:
        return read_table(path, language, source)
    return reader_for(name)(path, language)


def format_of(path: Path) -> str:
    """Return the format a file's ending stands for.

    :raises DataError: the ending is not known.
    """
    if path.is_dir():
        return "brat" if any(path.rglob("*.ann")) else "parquet"
    try:
        return _ENDINGS[path.suffix.lower()]
    except KeyError:
        raise DataError(
            f"{path}: the ending tells no format; give 'format' (known endings: {listing(_ENDINGS)})"
        ) from None


def _differences(corpus: Corpus, expected: ExpectedCounts) -> list[Difference]:
    found = {"sentences": len(corpus), "entities": corpus.entities}
    return [
        Difference(corpus.language, corpus.split, what, number, getattr(expected, what))
        for what, number in found.items()
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


def _corpus(card: DataCard, reading: Reading, language: str, split: str, source: FileSource) -> Corpus:
    place = source.path or f"{source.hub}:{source.files or ''}"
    if not reading.sentences:
        raise DataError(f"{card.name} {language}.{split} ({place}) holds no sentence")
    account = Counter(reading.account)
    sentences = tuple(map_labels(sentence, card, account, place) for sentence in reading.sentences)
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
        card.restricted,
    )


def map_labels(sentence: Sentence, card: DataCard, account: Counter[str], place: str) -> Sentence:
    """Rename and drop labels as the card says, counting what is dropped.

    :raises DataError: a label that the card neither lists nor maps.
    """
    kept = []
    for span in sentence.spans:
        label = card.label_map.get(span.label, span.label)
        if label is None:
            account[f"label_dropped/{span.label}"] += 1
            continue
        if label not in card.labels:
            raise DataError(
                f"{place}: sentence {sentence.id} has label {span.label!r}; allowed {list(card.labels)}; "
                f"rename or drop it in the data card, for example label_map: {{{span.label}: null}}"
            )
        kept.append(Span(span.start, span.end, label))
    return sentence.with_spans(kept)
