"""Filters of synthetic sentences: each named, switchable and counted; a sentence is dropped by the first that objects.

The order is from what is broken, over what is wrong, to what there is too much of. Filters are pure: sentences in,
reasons out; nothing is changed in a sentence.
"""

import random
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache

import regex
from pydantic import Field

from harness.config.data import Share, Strict
from harness.values.languages import is_unspaced, word_offsets
from harness.values.records import Sentence


class FilterSettings(Strict):
    """Which filters run, and their bounds; null or false switches one off."""

    broken_text: bool = True
    """Control characters, replacement characters, private use, lone combining marks: traces of broken escapes."""
    placeholders: bool = True
    """Text such as [...], <NAME>, Lorem ipsum, 'Token1'."""
    fewest_words: int | None = Field(default=3, ge=1)
    """Shortest sentence, in words."""
    most_words: int | None = Field(default=120, ge=1)
    """Longest sentence, in words."""
    longest_entity: int | None = Field(default=12, ge=1)
    """Longest entity, in words."""
    script_share: Share | None = 0.7
    """Least share of letters in a script of the language."""
    language: bool = True
    """The language must be the one asked for, where the identifier (py3langid) knows it and the text has 20 letters;
    told by sentence, and by the corpus where a tenth of it is in one other language.
    """
    illegal_bio: bool = False
    """Tags in which I- follows neither B- nor I- of its label; off, because they are read as conlleval reads them."""
    exact_duplicates: bool = True
    """The same text again, case and blanks apart."""
    near_duplicates: Share | None = 0.85
    """Jaccard similarity of character 5-grams, by MinHash, from which a sentence repeats an earlier one."""
    leakage: Share | None = 0.6
    """Largest share of a sentence's word 4-grams (of short ones: all words) found in one protected text, and of a
    protected text found in the sentence. Protected are target dev and test, and the prompt's examples.
    """
    contradictions: Share | None = 0.9
    """A surface labelled in several ways at least five times: where its main label has at least this share, sentences
    with another label are dropped; below it, nothing is known and all stay (counted as contested)."""
    all_outside_share: Share | None = 0.5
    """Largest share of sentences without an entity in the corpus; the rest of them is dropped at random (seeded)."""
    agreement: Share | None = None
    """Least entity F1 with a recogniser trained on source data, where its predictions are given."""


ORDER = (
    "broken_text", "placeholders", "too_short", "too_long", "long_entity", "wrong_script", "wrong_language",
    "illegal_bio", "exact_duplicate", "near_duplicate", "leakage", "contradiction", "disagreement", "all_outside",
)  # fmt: skip
"""Reasons, in the order the filters run."""


@dataclass
class Filtered:
    """What the filters left. ``len(seen) = len(kept) + sum of dropped``.

    :param dropped: reason → sentences.
    :param notes: what was seen and not dropped: ``contested_surfaces``, ``language_unknown``.
    """

    kept: list[Sentence]
    dropped: dict[str, list[Sentence]] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> dict[str, int]:
        """Dropped sentences by reason."""
        return {reason: len(self.dropped[reason]) for reason in ORDER if self.dropped.get(reason)}


def filter_sentences(
    sentences: Sequence[Sentence],
    settings: FilterSettings,
    *,
    protected: Iterable[str] = (),
    predictions: Mapping[str, float] | None = None,
    illegal: Set[str] = frozenset(),
    seed: int = 0,
) -> Filtered:
    """Run the filters.

    :param protected: texts that must not come back: target dev and test, the prompt's examples.
    :param predictions: sentence id → entity F1 with a recogniser, for ``agreement``.
    :param illegal: ids of sentences with illegal tags, for ``illegal_bio``.
    :param seed: of the choice among sentences without entities.
    """
    result = Filtered(list(sentences))

    def drop(reason: str, wrong: Callable[[Sentence], bool]) -> None:
        kept: list[Sentence] = []
        for sentence in result.kept:
            if wrong(sentence):
                result.dropped.setdefault(reason, []).append(sentence)
            else:
                kept.append(sentence)
        result.kept = kept

    if settings.broken_text:
        drop("broken_text", lambda one: is_broken(one.text))
    if settings.placeholders:
        drop("placeholders", lambda one: bool(_PLACEHOLDER.search(one.text)))
    if settings.fewest_words:
        fewest = settings.fewest_words
        drop("too_short", lambda one: _words(one) < fewest)
    if settings.most_words:
        most = settings.most_words
        drop("too_long", lambda one: _words(one) > most)
    if settings.longest_entity:
        longest = settings.longest_entity
        drop("long_entity", lambda one: any(len(word_offsets(one.surface(s))) > longest for s in one.spans))
    if settings.script_share is not None:
        share = settings.script_share
        drop("wrong_script", lambda one: script_share(one.text, one.language) < share)
    if settings.language:
        foreign = other_languages(result.kept, result.notes)
        drop("wrong_language", lambda one: one.id in foreign)
    if settings.illegal_bio:
        drop("illegal_bio", lambda one: one.id in illegal)
    if settings.exact_duplicates:
        seen: set[str] = set()
        drop("exact_duplicate", lambda one: _seen(folded(one.text), seen))
    if settings.near_duplicates is not None:
        near = near_duplicates(result.kept, settings.near_duplicates)
        drop("near_duplicate", lambda one: one.id in near)
    if settings.leakage is not None:
        leaks = Leakage(protected, settings.leakage)
        drop("leakage", lambda one: leaks.has(one.text))
    if settings.contradictions is not None:
        main, contested = main_labels(result.kept, settings.contradictions)
        result.notes["contested_surfaces"] += contested
        drop("contradiction", lambda one: contradicts(one, main))
    if settings.agreement is not None and predictions is not None:
        least = settings.agreement
        drop("disagreement", lambda one: predictions[one.id] < least)
    if settings.all_outside_share is not None:
        surplus = surplus_outside(result.kept, settings.all_outside_share, seed)
        drop("all_outside", lambda one: one.id in surplus)
    return result


_PLACEHOLDER = regex.compile(
    r"\[\s*(?:\.\.\.|…)\s*\]|\[[A-Z][A-Z_ ]{2,}\]|<[A-Z][A-Z_ ]{2,}>|\{\{|lorem ipsum|\b[Tt]oken_?\d+\b|\bXXX+\b"
)


def is_broken(text: str) -> bool:
    """Tell whether a text has characters no writer types: controls, U+FFFD, private use, marks without a letter."""
    before = " "
    for char in text:
        kind = unicodedata.category(char)
        if kind in ("Cc", "Cs", "Co", "Cn") or char in "\ufffd\ufeff":
            return True
        if kind in ("Mn", "Me") and before.isspace():
            return True
        before = char
    return False


def _words(sentence: Sentence) -> int:
    return len(sentence.tokens) if sentence.tokens is not None else len(word_offsets(sentence.text))


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


def script_share(text: str, language: str) -> float:
    """Return the share of letters that belong to the language's script; 1 where there are none or it is not known."""
    pattern = script_letters(language)
    letters = regex.findall(r"\p{L}", text)
    if pattern is None or not letters:
        return 1.0
    return sum(bool(pattern.match(letter)) for letter in letters) / len(letters)


@lru_cache(maxsize=1)
def _identifier() -> tuple[Callable[[str], tuple[str, float]], frozenset[str]]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return identifier.classify, frozenset(identifier.labels)


MOST_OF_A_RIVAL = 0.1
"""Share of sentences in one other language from which the corpus counts as mixed; clean ones at hand have 5 % at
most.
"""

MOST_OF_A_CLOSE_ONE = 0.4
"""The same of a language that an identifier mixes up with the wanted one: Chinese at hand is called Wu in 23 %."""


def other_languages(sentences: Sequence[Sentence], notes: Counter[str]) -> set[str]:
    """Return the ids of sentences in another language than the one asked for.

    A sentence alone is judged only where the identifier is sure, with and without its entities (names belong to no
    language). The corpus as a whole tells more: where a tenth of its sentences is in one other language, each that
    reads as that one goes. A language that is easily mixed up with the wanted one is noted, as ``reads_as/LANGUAGE``.
    """
    classify, known = _identifier()
    foreign: set[str] = set()
    wanted = sentences[0].language.partition("-")[0] if sentences else ""
    wanted = {"nb": "no"}.get(wanted, wanted)  # the identifier knows Bokmål by the older code
    if wanted not in known:
        notes["language_unknown"] += len(sentences)
        return foreign
    close = CLOSE.get(wanted, frozenset())
    first: dict[str, str] = {}
    for sentence in sentences:
        if len(regex.findall(r"\p{L}", sentence.text)) < SHORTEST_FOR_LANGUAGE:
            continue
        language, certainty = classify(sentence.text.lower())
        first[sentence.id] = language
        if language == wanted or language in close:
            continue
        text = sentence.text
        for span in reversed(sentence.spans):
            text = text[: span.start] + text[span.end :]
        bare = language
        if len(regex.findall(r"\p{L}", text)) >= SHORTEST_FOR_LANGUAGE:
            bare, sure = classify(text.lower())
            certainty = max(certainty, sure) if bare == language else certainty
        if certainty > 0.9 and bare != wanted and bare not in close:
            foreign.add(sentence.id)
    votes = Counter(first.values())
    rivals = {
        language
        for language, number in votes.items()
        if language != wanted and language not in close and number >= max(3, MOST_OF_A_RIVAL * len(first))
    }
    foreign |= {name for name, language in first.items() if language in rivals}
    near = {language: votes[language] for language in close & votes.keys()}
    if sum(near.values()) >= max(3, MOST_OF_A_CLOSE_ONE * len(first)):
        for language, number in sorted(near.items()):
            notes[f"reads_as/{language}"] += number
    return foreign


SHORTEST_FOR_LANGUAGE = 20
"""Letters a text needs for its language to be told."""


_MIXED_UP = (
    "da no nb nn sv", "es gl ca pt ext an", "hr sr bs sl", "cs sk", "id ms jv su", "hi mr ne", "ru uk bg be",
    "xh zu ss nr",
    "zh wuu yue", "ar ary arz", "de lb", "nl af", "tr az", "fa ckb", "fr wa oc",
)  # fmt: skip
CLOSE: Mapping[str, frozenset[str]] = {
    tag: frozenset(group.split()) - {tag} for group in _MIXED_UP for tag in group.split()
}
"""Languages an identifier mixes up in one sentence."""


def folded(text: str) -> str:
    """Return what duplicates are compared by: compatibility form, no case, one blank between words."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _seen(key: str, seen: set[str]) -> bool:
    if key in seen:
        return True
    seen.add(key)
    return False


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
        """Tell whether enough of a text stands in one protected text, or enough of one stands in it."""
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


def main_labels(sentences: Sequence[Sentence], share: float) -> tuple[dict[str, str], int]:
    """Return the label of surfaces that nearly always have one, and how many surfaces are contested.

    :param share: least share of the main label; a surface counts from five occurrences on.
    """
    counts: dict[str, Counter[str]] = {}
    for sentence in sentences:
        for span in sentence.spans:
            counts.setdefault(folded(sentence.surface(span)), Counter())[span.label] += 1
    main = {}
    contested = 0
    for surface, labels in counts.items():
        total = sum(labels.values())
        if len(labels) < 2 or total < 5:
            continue
        label, number = labels.most_common(1)[0]
        if number / total >= share:
            main[surface] = label
        else:
            contested += 1
    return main, contested


def contradicts(sentence: Sentence, main: Mapping[str, str]) -> bool:
    """Tell whether a sentence labels a surface against its main label."""
    return any(main.get(folded(sentence.surface(span)), span.label) != span.label for span in sentence.spans)


def surplus_outside(sentences: Sequence[Sentence], share: float, seed: int) -> set[str]:
    """Return the ids of sentences without entities beyond a share of the corpus, chosen by a seed."""
    empty = [sentence.id for sentence in sentences if not sentence.spans]
    labelled = len(sentences) - len(empty)
    allowed = len(empty) if share >= 1 else int(share * labelled / (1 - share))
    if len(empty) <= allowed:
        return set()
    return set(random.Random(seed).sample(empty, len(empty) - allowed))  # noqa: S311 - a sample, no secret
