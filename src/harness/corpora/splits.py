"""Seeded nested subsets, and the checks that tell whether a split has seen another.

Subsets are nested: with one seed, the first n sentences of the seeded order are part of the first m > n, so a curve
over ratios adds data and never swaps it.
"""

import random
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b

from harness.values.records import Corpus, Sentence


def seeded_order(corpus: Corpus, seed: int) -> list[int]:
    """Return the sentence indices in an order that depends on seed and language alone."""
    state = blake2b(f"{seed}/{corpus.language}".encode(), digest_size=8).digest()
    order = list(range(len(corpus)))
    random.Random(int.from_bytes(state)).shuffle(order)  # noqa: S311 - no secret
    return order


def nested_subset(corpus: Corpus, size: int, seed: int) -> Corpus:
    """Return ``size`` sentences; for one seed, a smaller subset is part of every larger one.

    :raises ValueError: ``size`` is negative or larger than the corpus.
    """
    if not 0 <= size <= len(corpus):
        raise ValueError(f"size {size} is not within 0 and {len(corpus)}")
    order = seeded_order(corpus, seed)[:size]
    return replace(corpus, sentences=tuple(corpus.sentences[index] for index in order))


def hold_out(
    corpus: Corpus, share: float, split: str, key: Callable[[Sentence], str] | None = None
) -> tuple[Corpus, Corpus]:
    """Cut a share of the sentences off, the same ones every time: no seed has a part in it.

    :param share: 0..1, of the sentences, rounded; 0 sentences of a very small corpus.
    :param split: name of what is cut off.
    :param key: sentences of one key stay together; equal texts without it.
    :returns: the rest and what was cut off, both in the order of the corpus.
    """
    told = key or (lambda sentence: normalised(sentence.text))
    groups: dict[str, list[int]] = defaultdict(list)
    for index, sentence in enumerate(corpus.sentences):
        groups[told(sentence)].append(index)
    held: set[int] = set()
    wanted = round(share * len(corpus))
    for name in sorted(groups, key=lambda name: blake2b(name.encode(), digest_size=8).digest()):
        if len(held) >= wanted:
            break
        held.update(groups[name])
    halves = [
        tuple(sentence for index, sentence in enumerate(corpus.sentences) if (index in held) == cut)
        for cut in (False, True)
    ]
    return replace(corpus, sentences=halves[0]), replace(corpus, sentences=halves[1], split=split)


def without_texts(corpus: Corpus, other: Corpus, reason: str) -> Corpus:
    """Return a corpus without the sentences whose text stands in another one, counted under ``reason``."""
    texts = {normalised(sentence.text) for sentence in other.sentences}
    kept = tuple(sentence for sentence in corpus.sentences if normalised(sentence.text) not in texts)
    if len(kept) == len(corpus):
        return corpus
    return replace(corpus, sentences=kept, account={**corpus.account, reason: len(corpus) - len(kept)})


@dataclass(frozen=True)
class Overlap:
    """Sentences that stand in two corpora (or twice in one) with the same words.

    :param share: of the sentences of ``second``, 0..1.
    :param example: one such text; empty for a restricted corpus.
    """

    first: str
    second: str
    sentences: int
    share: float
    example: str


def normalised(text: str) -> str:
    """Fold case, width and blanks, so that trivial differences do not hide a duplicate."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def duplicates(corpus: Corpus) -> Overlap | None:
    """Report sentences that repeat an earlier one of the same corpus."""
    seen: set[str] = set()
    repeated = []
    for sentence in corpus.sentences:
        key = normalised(sentence.text)
        if key in seen:
            repeated.append(sentence)
        seen.add(key)
    name = f"{corpus.language}.{corpus.split}"
    return _overlap(name, name, repeated, corpus)


def overlaps(corpora: Iterable[Corpus], *, shortest: int = 20) -> list[Overlap]:
    """Report sentences that stand in more than one split, across languages too.

    :param shortest: texts of fewer characters (``Thank you.``) are no evidence and are left out.
    """
    everything = list(corpora)
    places: dict[str, set[int]] = defaultdict(set)
    for number, corpus in enumerate(everything):
        for sentence in corpus.sentences:
            key = normalised(sentence.text)
            if len(key) >= shortest:
                places[key].add(number)
    reports = []
    for second, corpus in enumerate(everything):
        for first in range(second):
            shared = [s for s in corpus.sentences if {first, second} <= places.get(normalised(s.text), set())]
            earlier = everything[first]
            report = _overlap(
                f"{earlier.language}.{earlier.split}", f"{corpus.language}.{corpus.split}", shared, corpus
            )
            if report:
                reports.append(report)
    return reports


def repeated_tests(corpora: Iterable[Corpus], *, shortest: int = 20) -> tuple[int, str]:
    """Return how many test sentences stand in a split that is no test, each counted once, and where the first does.

    :param shortest: as for :func:`overlaps`.
    """
    everything = list(corpora)
    elsewhere: dict[str, str] = {}
    for corpus in everything:
        if corpus.split != "test":
            for sentence in corpus.sentences:
                elsewhere.setdefault(normalised(sentence.text), f"{corpus.language}.{corpus.split} {sentence.id}")
    found, first = 0, ""
    for corpus in everything:
        if corpus.split == "test":
            for sentence in corpus.sentences:
                key = normalised(sentence.text)
                if len(key) >= shortest and key in elsewhere:
                    found += 1
                    first = first or f"{corpus.language}.test {sentence.id} is {elsewhere[key]}"
    return found, first


def _overlap(first: str, second: str, shared: list[Sentence], corpus: Corpus) -> Overlap | None:
    if not shared:
        return None
    example = "" if corpus.restricted else shared[0].text
    return Overlap(first, second, len(shared), len(shared) / len(corpus), example)
