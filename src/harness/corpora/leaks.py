"""Test sentences in the training data: the same, the same but for case and punctuation, or inside a longer sentence.

A test sentence that was trained on measures memory. Texts are compared by their words and numbers alone, so neither
punctuation nor spacing hides a copy, and a copy with other sentences around it is found. Cost: linear in the training
text, about a second for ten million characters.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.values.records import Corpus, Sentence

SHORTEST = 20
"""Letters of a text that is evidence: shorter ones ("Thank you.") occur by themselves. A character of a dense script
(Chinese, Japanese, Korean) counts as two and a half."""

DENSE = 1.5
"""What a character of a dense script counts besides itself; eight of them are evidence."""

ANCHORS = (20, 8)
"""Characters that are looked up: of texts that have as many, else of short ones in dense scripts."""

_WORD = re.compile(r"[⺀-\U0003ffff]|[^\W\d_⺀-\U0003ffff]+|\d+")
"""A character of a dense script, a run of other letters, a number."""

CHUNK = 4_000_000
"""Characters searched at once: 100 MB of memory."""

KINDS = ("exact", "normalised", "contained")


@dataclass
class Leak:
    """Test sentences of one corpus that stand in the training data.

    :param kinds: test sentences by how they were found: the same text, the same words, inside a training sentence.
    :param example: ids of a training and a test sentence.
    """

    corpus: Corpus
    kinds: Counter[str] = field(default_factory=Counter)
    example: tuple[str, str] = ("", "")

    @property
    def name(self) -> str:
        """The test set, as ``leaks.allow`` names it."""
        return f"{self.corpus.language}.{self.corpus.split}"

    @property
    def sentences(self) -> int:
        """Test sentences that are found in the training data."""
        return self.kinds.total()

    @property
    def share(self) -> float:
        """Their share of the test set, 0..1."""
        return self.sentences / len(self.corpus)

    def __str__(self) -> str:
        kinds = ", ".join(f"{self.kinds[kind]} {kind}" for kind in KINDS if self.kinds[kind])
        return f"{self.name}: {self.sentences} of {len(self.corpus)} sentences ({kinds})"


def find_leaks(train: Sequence[Sentence], tests: Sequence[Corpus]) -> list[Leak]:
    """Return the test sets of which sentences stand in the training data.

    :param train: sentences of any languages; a translation is another text.
    """
    trained = {_words(sentence.text): sentence for sentence in reversed(train)}
    texts = {sentence.text for sentence in train}
    tested: dict[str, list[tuple[int, Sentence]]] = defaultdict(list)
    for number, corpus in enumerate(tests):
        for sentence in corpus.sentences:
            tested[_words(sentence.text)].append((number, sentence))
    kinds = {inner: ("contained", outer) for inner, outer in _contained(list(tested), list(trained))}
    kinds |= {words: ("normalised", words) for words in tested if _is_evidence(words) and words in trained}
    leaks = [Leak(corpus) for corpus in tests]
    for words, (kind, found) in kinds.items():
        for number, sentence in tested[words]:
            same = kind == "normalised" and sentence.text in texts
            leaks[number].kinds["exact" if same else kind] += 1
            leaks[number].example = (trained[found].id, sentence.id)
    return [leak for leak in leaks if leak.sentences]


def _words(text: str) -> str:
    """Return the words with a blank around each, so that ``day 30`` is not found in ``day 302``."""
    return f" {' '.join(_WORD.findall(unicodedata.normalize('NFKC', text).casefold()))} "


def _is_evidence(words: str) -> bool:
    letters = words.replace(" ", "")
    return len(letters) + DENSE * sum(letter >= "⺀" for letter in letters) >= SHORTEST


def _contained(wanted: Sequence[str], texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each wanted text that is evidence with a longer text that holds it."""
    rest = [text for text in wanted if _is_evidence(text)]
    for width, shorter_than in zip(ANCHORS, (1 << 60, ANCHORS[0]), strict=True):
        anchored: dict[int, list[str]] = defaultdict(list)
        for text in rest:
            if width <= len(text) < shorter_than:
                anchored[int(_hashes(text[:width], width)[0])].append(text)
        anchors = np.array(list(anchored), dtype=np.uint64)
        for chunk in _chunks(texts) if anchored else ():
            joined = "\n".join(chunk)
            starts = np.cumsum([0, *(len(text) + 1 for text in chunk)])
            hashes = _hashes(joined, width)
            for place in np.flatnonzero(np.isin(hashes, anchors)):
                outer = chunk[int(np.searchsorted(starts, place, side="right")) - 1]
                for inner in anchored[int(hashes[place])]:
                    if len(inner) < len(outer) and joined.startswith(inner, int(place)):
                        yield inner, outer


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += len(text)
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _hashes(text: str, width: int) -> np.ndarray:
    """Return a polynomial hash (modulo 2⁶⁴) of every window of ``width`` characters, shape (len(text) - width + 1,)."""
    codes = np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype=np.uint32).astype(np.uint64)
    count = max(0, len(codes) - width + 1)
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(width):
        hashes = hashes * np.uint64(1_099_511_628_211) + codes[offset : offset + count]
    return hashes
