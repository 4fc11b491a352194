"""Filters of synthetic sentences: each named, switchable and counted; a sentence is dropped by the first that objects.

The order is from what is broken, over what is wrong, to what there is too much of. Filters are pure: sentences in,
reasons out; nothing is changed in a sentence.
"""

import random
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import regex

from harness.config.synthesis import FilterSettings
from harness.synthesis.language_filter import other_languages
from harness.synthesis.overlap import Leakage, near_duplicates
from harness.values.account import Account
from harness.values.languages import folded, script_letters, word_offsets
from harness.values.records import Sentence

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
    notes: Account = field(default_factory=Account)

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


def script_share(text: str, language: str) -> float:
    """Return the share of letters that belong to the language's script; 1 where there are none or it is not known."""
    pattern = script_letters(language)
    letters = regex.findall(r"\p{L}", text)
    if pattern is None or not letters:
        return 1.0
    return sum(bool(pattern.match(letter)) for letter in letters) / len(letters)


def _seen(key: str, seen: set[str]) -> bool:
    if key in seen:
        return True
    seen.add(key)
    return False


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
