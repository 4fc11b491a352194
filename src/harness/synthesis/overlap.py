"""Near duplicates, and sentences that repeat protected text."""

from collections import Counter
from collections.abc import Iterable, Sequence

from harness.values.languages import folded, is_unspaced, word_offsets
from harness.values.records import Sentence


def near_duplicates(sentences: Sequence[Sentence], threshold: float) -> set[str]:
    """Return the ids of sentences that nearly repeat an earlier one, by MinHash (Broder 1997) of character 5-grams."""
    from datasketch import MinHash, MinHashLSH

    if threshold >= 1.0 or not sentences:
        return set()
    index = MinHashLSH(threshold=threshold, num_perm=128)
    kept: dict[str, frozenset[str]] = {}
    repeated: set[str] = set()
    for place, sentence in enumerate(sentences):
        grams = character_grams(sentence.text)
        hashed = MinHash(num_perm=128, seed=1)
        hashed.update_batch([gram.encode() for gram in grams])
        # The index proposes, the sets decide: no sentence is dropped by a chance collision.
        if any(_jaccard(grams, kept[key]) >= threshold for key in index.query(hashed)):
            repeated.add(sentence.id)
            continue
        kept[str(place)] = grams
        index.insert(str(place), hashed)
    return repeated


def character_grams(text: str, size: int = 5) -> frozenset[str]:
    """Return the character n-grams of a text, case and blanks apart."""
    plain = folded(text)
    return frozenset(plain[place : place + size] for place in range(max(1, len(plain) - size + 1)))


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / len(first | second) if first or second else 1.0


class Leakage:
    """Finds sentences that repeat a protected text, or contain it with others around it.

    Measured both ways: how much of the sentence stands in one protected text, and how much of a protected text stands
    in the sentence. A test sentence with another one appended is half new and yet leaks the whole test sentence.
    """

    SIZE = 4
    """Words of an n-gram; characters in scripts without blanks."""

    SHORTEST = 5
    """Words of a protected text that may be found inside a longer sentence; ``once a day`` stands in many."""

    def __init__(self, protected: Iterable[str], share: float) -> None:
        self._share = share
        self._where: dict[tuple[str, ...], set[int]] = {}
        self._sizes: dict[int, int] = {}
        for number, text in enumerate(protected):
            words = self._words(text)
            grams = self._grams(words)
            shortest = self.SHORTEST * (2 if any(is_unspaced(word[0]) for word in words) else 1)
            if len(words) >= shortest:
                self._sizes[number] = len(grams)
            for gram in grams:
                self._where.setdefault(gram, set()).add(number)

    def has(self, text: str) -> bool:
        """Return True if enough of a text stands in one protected text, or enough of one stands in it."""
        grams = self._grams(self._words(text))
        shared = Counter(number for gram in grams for number in self._where.get(gram, ()))
        return any(
            count / len(grams) >= self._share or (number in self._sizes and count / self._sizes[number] >= self._share)
            for number, count in shared.items()
        )

    @staticmethod
    def _words(text: str) -> list[str]:
        plain = folded(text)
        words = [plain[start:end] for start, end in word_offsets(plain)]
        return [word for word in words if any(char.isalnum() for char in word)]

    def _grams(self, words: Sequence[str]) -> set[tuple[str, ...]]:
        if len(words) < self.SIZE:
            return {tuple(words)} if words else set()
        return {tuple(words[place : place + self.SIZE]) for place in range(len(words) - self.SIZE + 1)}
