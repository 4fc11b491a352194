"""Counts per sentence as a run stores them: numbers alone, so that any two runs can be tested against each other.

No text is in them and no name: documents, and the test set itself, are known by digests. Sentences without entities
and predictions take no room.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from harness.evaluation.spans import COLUMN, COLUMNS, Counts
from harness.values.errors import DataError
from harness.values.records import Corpus

FORMAT = 1

FEWEST_DOCUMENTS = 10
"""Fewer say nothing of how others would be: a file whose only mark is its first line is one document."""


@dataclass(frozen=True)
class StoredCounts:
    """Counts of one corpus.

    :param digest: of the corpus; counts of the same one are of the same sentences in the same order.
    :param documents: digest of each sentence's document; empty where the source knows none.
    """

    digest: str
    counts: Counts
    documents: tuple[str, ...] = ()

    @property
    def units(self) -> tuple[str, ...]:
        """Names of the units that are drawn or swapped whole, one for each sentence: its document, or itself where it
        has none; empty where all sentences are units, since no document is known or there are too few of them.
        """
        names = tuple(name or f"sentence {number}" for number, name in enumerate(self.documents))
        return names if len(set(names)) >= FEWEST_DOCUMENTS else ()

    @property
    def by_document(self) -> Counts:
        """The counts of the units, in the order of their first sentences."""
        names = self.units
        if not names:
            return self.counts
        order = {name: place for place, name in enumerate(dict.fromkeys(names))}
        places = np.array([order[name] for name in names])

        def grouped(table: Any) -> Any:
            sums = np.zeros((len(order), table.shape[1]), dtype=np.int32)
            np.add.at(sums, places, table)
            return sums

        return Counts(grouped(self.counts.total), {name: grouped(t) for name, t in self.counts.by_label.items()})


def as_object(corpus: Corpus, counts: Counts) -> dict[str, Any]:
    """Return what is stored of a scored corpus, JSON-serialisable."""
    texts: dict[str, list[str]] = {}
    for sentence in corpus.sentences:
        texts.setdefault(sentence.document, []).append(sentence.text)
    digests = {name: _digest(name, parts) for name, parts in texts.items()}
    return {
        "format": FORMAT,
        "digest": corpus.digest,
        "sentences": len(corpus),
        "columns": list(COLUMNS),
        "documents": [digests[sentence.document] for sentence in corpus.sentences] if any(texts) else [],
        "labels": {label: _rows(table) for label, table in counts.by_label.items()},
    }


def _digest(name: str, texts: Sequence[str]) -> str:
    """Return the digest of a document's name and text: names alone (numbers of patients) could be tried out."""
    state = blake2b(digest_size=6)
    for part in (name, *texts):
        state.update(part.encode("utf-8", errors="surrogatepass"))
    return state.hexdigest() if name else ""


def _rows(table: Any) -> list[list[int]]:
    """Return the rows that are not all zero, the number of the sentence first."""
    return [[int(row), *map(int, table[row])] for row in np.flatnonzero(table.any(axis=1))]


def from_object(value: Mapping[str, Any]) -> StoredCounts:
    """Return the counts of an object that :func:`as_object` made; columns of a later version are passed over.

    :raises DataError: it is another's.
    """
    try:
        places = [COLUMN.get(name) for name in value["columns"]]
        shape = (int(value["sentences"]), len(COLUMNS))
        by_label = {}
        for label, rows in value["labels"].items():
            table = np.zeros(shape, dtype=np.int32)
            for row, *numbers in rows:
                for place, number in zip(places, numbers, strict=True):
                    if place is not None:
                        table[row, place] = number
            by_label[str(label)] = table
        total = sum(by_label.values(), start=np.zeros(shape, dtype=np.int32))
        return StoredCounts(str(value["digest"]), Counts(total, by_label), tuple(value["documents"]))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DataError(f"not counts as the harness stores them ({type(error).__name__}: {error})") from error


def from_text(text: str) -> dict[str, StoredCounts]:
    """Return the counts of an artifact by corpus: ``test.sv`` → counts.

    :raises DataError: it is no such artifact.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise DataError(f"not counts as the harness stores them ({error})") from error
    if not isinstance(values, dict):
        raise DataError("not counts as the harness stores them (no table of corpora)")
    return {name: from_object(value) for name, value in values.items()}
