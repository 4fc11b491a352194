"""Languages as BCP-47 tags, and the word boundaries of text that came without tokens.

ISO 639-3 input is normalised with langcodes (``swa`` → ``sw``). Word segmentation is by Unicode
properties: a run of letters with their marks, a run of digits, or one other visible character; in
scripts written without blanks every character (with its marks) is a unit, so that any entity boundary
can be expressed. It is a unit for labelling, not a linguistic word.
"""

import unicodedata
from functools import lru_cache

import regex

from harness.values.errors import DataError

UNSPACED_LANGUAGES = frozenset({"zh", "yue", "ja", "th", "lo", "km", "my", "bo"})
"""Languages written without blanks between words."""

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
_UNSPACED_CHARACTER = regex.compile(rf"[{_UNSPACED}]")
_UNIT = regex.compile(
    rf"(?V1)[{_UNSPACED}]\p{{M}}*"  # one character of a script without blanks
    # letters, marks, joiners; sets, because a group under a star takes memory for each character of a word
    rf"|[\p{{L}}--[{_UNSPACED}]][[\p{{L}}\p{{M}}\u200c\u200d]--[{_UNSPACED}]]*"
    r"|\p{N}+"  # digits: '500mg' is two units, as its STRENGTH may be one entity or two
    r"|[^\s]\p{M}*"  # anything else visible
)


@lru_cache(maxsize=512)
def normalise_language(tag: str) -> str:
    """Return the shortest BCP-47 tag of a language (``swa`` → ``sw``, ``zh_CN`` → ``zh-CN``).

    :raises DataError: the tag names no language.
    """
    import langcodes
    from langcodes.tag_parser import LanguageTagError

    try:
        parsed = langcodes.Language.get(tag.strip().replace("_", "-"))
    except LanguageTagError:
        parsed = None
    if parsed is None or not parsed.language or not parsed.is_valid():
        raise DataError(f"language {tag!r} is not a BCP-47 or ISO 639 code; write for example 'sv', 'sw' or 'zh'")
    return str(parsed.to_tag())


def word_offsets(text: str) -> tuple[tuple[int, int], ...]:
    """Return half-open character offsets of the labelling units of raw text; blanks belong to none."""
    return tuple(match.span() for match in _UNIT.finditer(text))


def is_unspaced(char: str) -> bool:
    """Return True if a character belongs to a script written without blanks between words."""
    return _UNSPACED_CHARACTER.match(char) is not None


def is_spaced(language: str) -> bool:
    """Return True if a language is written with blanks between words."""
    return language.partition("-")[0] not in UNSPACED_LANGUAGES


_SCRIPTS = {
    "Latn": "Latin", "Cyrl": "Cyrillic", "Arab": "Arabic", "Deva": "Devanagari", "Grek": "Greek", "Hebr": "Hebrew",
    "Hans": "Han", "Hant": "Han", "Thai": "Thai", "Beng": "Bengali", "Ethi": "Ethiopic", "Armn": "Armenian",
    "Geor": "Georgian", "Taml": "Tamil", "Telu": "Telugu", "Khmr": "Khmer", "Laoo": "Lao", "Mymr": "Myanmar",
    "Gujr": "Gujarati", "Guru": "Gurmukhi", "Knda": "Kannada", "Mlym": "Malayalam", "Sinh": "Sinhala",
}  # fmt: skip


_SEVERAL = {"Jpan": r"\p{Han}\p{Hiragana}\p{Katakana}", "Kore": r"\p{Hangul}\p{Han}"}


@lru_cache(maxsize=64)
def script_letters(language: str) -> "regex.Pattern[str] | None":
    """Return a pattern of one letter in a language's script; nothing where it is not known."""
    import langcodes

    script = langcodes.Language.get(language).maximize().script or ""
    inside = _SEVERAL.get(script) or (rf"\p{{{_SCRIPTS[script]}}}" if script in _SCRIPTS else "")
    # Latin letters stand in every language's text: names, units, drug names.
    return regex.compile(rf"[{inside}]") if inside else None


def folded(text: str) -> str:
    """Return what duplicates are compared by: compatibility form, no case, one blank between words."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
