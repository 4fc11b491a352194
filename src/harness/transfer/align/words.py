"""The tokens an aligner compares: the corpus's own, or words found in raw text.

Chinese, Japanese, Thai, Lao, Khmer and Burmese are written without blanks; their words come from ICU's dictionaries.
Every token keeps its character offsets, so links lead back to the text.
"""

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import regex

from harness.values.errors import DependencyError
from harness.values.languages import UNSPACED_LANGUAGES, word_offsets
from harness.values.records import Sentence

Offsets = tuple[tuple[int, int], ...]

_EDGE_PUNCTUATION = regex.compile(r"^[\p{P}\p{S}]+|[\p{P}\p{S}]+$")


class AlignmentText(NamedTuple):
    """A sentence as an aligner sees it.

    :param offsets: half-open character offsets of the tokens.
    :param words: the tokens' text, none of them empty or with a blank in it.
    """

    offsets: Offsets
    words: tuple[str, ...]


def alignment_text(sentence: Sentence) -> AlignmentText:
    """Return the tokens of a sentence for alignment; those of the corpus where it has any."""
    offsets = sentence.tokens if sentence.tokens is not None else raw_offsets(sentence.text, sentence.language)
    # A token of a corpus may hold a blank (numbers in French); aligners separate tokens by blanks.
    words = tuple("_".join(sentence.text[start:end].split()) or "_" for start, end in offsets)
    return AlignmentText(offsets, words)


def raw_offsets(text: str, language: str) -> Offsets:
    """Return word offsets of raw text, by ICU's dictionaries where the script has no blanks."""
    units = word_offsets(text)
    if language.partition("-")[0] not in UNSPACED_LANGUAGES:
        return units
    # Join the labelling units that lie within one dictionary word, but not '5' and 'mg', which may be two entities.
    edges = {edge for segment in _breaker(text, language) for edge in segment}
    merged: list[tuple[int, int]] = []
    for start, end in units:
        apart = not merged or start in edges or text[start].isdecimal() != text[start - 1].isdecimal()
        if not apart and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def _breaker(text: str, language: str) -> list[tuple[int, int]]:
    try:
        from icu4py.breakers import WordBreaker
    except ImportError:
        raise DependencyError(
            f"words of {language!r} text are found with ICU, which is not installed; pip install icu4py"
        ) from None
    segments = [(int(start), int(end)) for start, end in WordBreaker(text, language).segments()]
    if not segments or segments[-1][1] == len(text):
        return segments
    # ICU counts UTF-16 units: a character beyond the basic plane is two.
    place = [0]
    for number, char in enumerate(text, 1):
        place += [number] * (2 if ord(char) > 0xFFFF else 1)
    return [(place[start], place[end]) for start, end in segments]


@lru_cache(maxsize=65536)
def comparison_key(word: str, prefix: int = 0) -> str:
    """Return what a statistical aligner compares: case and edge punctuation removed, perhaps the first letters only.

    Numbers are never shortened: 2024 and 2023 are no inflections of each other.
    """
    folded = "_".join(unicodedata.normalize("NFKC", word).casefold().split()) or "_"
    bare = _EDGE_PUNCTUATION.sub("", folded) or folded
    return bare if not prefix or any(char.isdigit() for char in bare) else bare[:prefix]
