"""The tokens of one text of a pair, and what the rules of projection ask of them: marks, articles, function words."""

from collections import Counter

import regex

from harness.transfer.align.words import Offsets, comparison_key
from harness.transfer.projection.function_words import ARTICLES, PARTICLES
from harness.values.languages import is_unspaced
from harness.values.records import Sentence

_MARK = regex.compile(r"[,;:.!?()\"…“”„«»¡¿,、。；：！？（）،؛؟।]")


_TIGHT_MARK = regex.compile(r"[、。；：！？，（）]")


_EDGE = regex.compile(r"^[\p{P}\p{S}]+$")


_SYMBOLS_KEPT = regex.compile(r"[%°€$£¥+µ&#@*/-]")


LEAST_ANCHOR = 4
"""Letters of a word that is taken for the same word in another language."""


class TextTokens:
    """Tokens of one text, with what the rules ask of them."""

    def __init__(self, sentence: Sentence, offsets: Offsets, function: frozenset[str]) -> None:
        self.text = sentence.text
        self.offsets = offsets
        self.words = [sentence.text[start:end] for start, end in offsets]
        self.keys = [comparison_key(word) for word in self.words]
        language = sentence.language.partition("-")[0]
        self._articles = ARTICLES.get(language, frozenset())
        self._particles = PARTICLES.get(language, frozenset())
        self._given = sentence.tokens is not None
        self.function = function

    def __len__(self) -> int:
        return len(self.offsets)

    def crossing(self, place: int) -> bool:
        """Return True if a clause mark stands between token ``place`` and the next."""
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
        """Return True if a token is an article of the language."""
        return self.keys[place] in self._articles

    def is_grammatical(self, place: int) -> bool:
        """Return True if a token is an article or a function word."""
        return self.is_article(place) or self.keys[place] in self.function

    def is_marked(self, place: int) -> bool:
        """Return True if a token looks like a name or a code: it has a capital or a digit."""
        return any(char.isupper() or char.isdecimal() for char in self.words[place])

    def anchors(self) -> dict[str, int]:
        """Return the keys that occur once and say what they are (numbers, four letters and more) with their places."""
        counts = Counter(self.keys)
        return {
            key: place
            for place, key in enumerate(self.keys)
            if counts[key] == 1 and (key.isdecimal() or (len(key) >= LEAST_ANCHOR and any(map(str.isalpha, key))))
        }

    def is_character(self, place: int) -> bool:
        """Return True for a single character of a script without blanks, as a dictionary leaves unknown words.

        Tokens of a corpus are its own choice and tell nothing of the kind.
        """
        start, end = self.offsets[place]
        return not self._given and end - start == 1 and is_unspaced(self.text[start])

    def is_particle(self, place: int) -> bool:
        """Return True if a single character is a word between others."""
        return self.words[place] in self._particles or self.keys[place] in self.function

    def touch(self, place: int) -> bool:
        """Return True if nothing stands between token ``place`` and the next."""
        return self.offsets[place][1] == self.offsets[place + 1][0]

    def is_edge_punctuation(self, place: int) -> bool:
        """Return True if a token is punctuation that no entity begins or ends with; % and the like are kept."""
        word = self.words[place]
        return bool(_EDGE.match(word)) and not _SYMBOLS_KEPT.search(word)
