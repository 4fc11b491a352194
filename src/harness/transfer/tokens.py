"""The tokens of one text of a pair, and what the rules of projection ask of them: marks, articles, function words."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import regex

from harness.languages import is_unspaced
from harness.records import Sentence
from harness.transfer.align.segment import Offsets, comparison_key

_MARK = regex.compile(r"[,;:.!?()\"…“”„«»¡¿,、。；：！？（）،؛؟।]")


_TIGHT_MARK = regex.compile(r"[、。；：！？，（）]")


_EDGE = regex.compile(r"^[\p{P}\p{S}]+$")


_SYMBOLS_KEPT = regex.compile(r"[%°€$£¥+µ&#@*/-]")


ARTICLES: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the a an",
        "es": "el la los las lo un una unos unas",
        "fr": "le la les l un une des",
        "de": "der die das den dem des ein eine einen einem einer eines",
        "it": "il lo la i gli le l un uno una",
        "pt": "o a os as um uma uns umas",
        "ca": "el la els les l un una uns unes",
        "gl": "o a os as un unha uns unhas",
        "nl": "de het een",
        "sv": "en ett den det de",
        "da": "en et den det de",
        "no": "en ei et den det de",
        "el": "ο η το οι τα του της των τον την ένας μια ένα",
        "hu": "a az egy",
        "ro": "un o niște",
    }.items()
}
"""Languages whose articles are words of their own; a leading one belongs to the span only if the source has one."""


LEAST_ANCHOR = 4
"""Letters of a word that is taken for the same word in another language."""

ENTITY_SHARE = 0.3
"""A word at least this part of which stands in entities is no function word, however frequent."""


def frequent_words(texts: Iterable[Sequence[str]], *, most: int = 40, share: float = 0.004) -> frozenset[str]:
    """Return the words that stand between others in a language, found by frequency, as comparison keys.

    :param most: at most so many words.
    :param share: least share of the running text; a small corpus has few such words or none.
    """
    counts = Counter(comparison_key(word) for words in texts for word in words)
    total = sum(counts.values())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    return frozenset(word for word, count in ranked if total >= 1000 and count >= share * total)


def function_words(frequent: frozenset[str], seen: Iterable[tuple[str, bool]]) -> frozenset[str]:
    """Return the frequent words that stand outside entities nearly always.

    In a narrow domain the words of entities are the frequent ones: 'days' and 'tablets' in prescriptions.

    :param seen: words, and whether each stands in an entity.
    """
    counts: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    for word, within in seen:
        key = comparison_key(word)
        counts[key] += 1
        inside[key] += within
    return frozenset(word for word in frequent if inside[word] < ENTITY_SHARE * counts[word] or not counts[word])


class TextTokens:
    """Tokens of one text, with what the rules ask of them."""

    def __init__(self, sentence: Sentence, offsets: Offsets, function: frozenset[str]) -> None:
        self.text = sentence.text
        self.offsets = offsets
        self.words = [sentence.text[start:end] for start, end in offsets]
        self.keys = [comparison_key(word) for word in self.words]
        self.articles = ARTICLES.get(sentence.language.partition("-")[0], frozenset())
        self.function = function

    def __len__(self) -> int:
        return len(self.offsets)

    def crossing(self, place: int) -> bool:
        """Tell whether a clause mark stands between token ``place`` and the next."""
        if not 0 <= place < len(self) - 1:
            return True
        apart = self.offsets[place][1] < self.offsets[place + 1][0]
        last, first = self.words[place][-1], self.words[place + 1][0]
        if _TIGHT_MARK.match(last) or _TIGHT_MARK.match(first):
            return True
        # '2.5' and '1-0-1' are one thing; a mark counts where a blank follows or precedes it.
        return bool((apart and _MARK.match(last)) or (first in '(¡¿"“„«' and _MARK.match(first)))

    def marks(self, start: int, end: int) -> int:
        """Count the clause marks crossed by tokens start…end-1."""
        return sum(self.crossing(place) for place in range(start, end - 1))

    def is_article(self, place: int) -> bool:
        """Tell whether a token is an article of the language."""
        return self.keys[place] in self.articles

    def anchors(self) -> dict[str, int]:
        """Return the keys that occur once and say what they are (numbers, four letters and more) with their places."""
        counts = Counter(self.keys)
        return {
            key: place
            for place, key in enumerate(self.keys)
            if counts[key] == 1 and (key.isdecimal() or (len(key) >= LEAST_ANCHOR and any(map(str.isalpha, key))))
        }

    def is_character(self, place: int) -> bool:
        """Tell whether a token is a single character of a script without blanks."""
        start, end = self.offsets[place]
        return end - start == 1 and is_unspaced(self.text[start])

    def touch(self, place: int) -> bool:
        """Tell whether nothing stands between token ``place`` and the next."""
        return self.offsets[place][1] == self.offsets[place + 1][0]

    def is_edge_punctuation(self, place: int) -> bool:
        """Tell whether a token is punctuation that no entity begins or ends with; % and the like are kept."""
        word = self.words[place]
        return bool(_EDGE.match(word)) and not _SYMBOLS_KEPT.search(word)
