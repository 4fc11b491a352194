"""Filters of synthetic sentences: each named, switchable and counted; a sentence is dropped by the first that objects.

The order is from what is broken, over what is wrong, to what there is too much of. Filters are pure: sentences in,
reasons out; nothing is changed in a sentence.
"""

import random
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

import regex

from harness.config.synthesis import FilterSettings
from harness.synthesis.language_filter import other_languages
from harness.synthesis.overlap import Leakage, near_duplicates
from harness.values.account import Account
from harness.values.languages import folded, script_letters, word_offsets
from harness.values.records import Sentence


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
        return {reason: len(sentences) for reason, sentences in self.dropped.items()}


@dataclass(frozen=True)
class References:
    """What sentences are held against.

    :param protected: texts that must not come back: target dev and test, the prompt's examples.
    :param predictions: sentence id → entity F1 with a recogniser, for ``agreement``.
    :param illegal: ids of sentences with illegal tags, for ``illegal_bio``.
    """

    protected: Iterable[str] = ()
    predictions: Mapping[str, float] | None = None
    illegal: Set[str] = frozenset()


@dataclass(frozen=True)
class Context:
    """What a filter sees besides the sentence.

    :param sentences: those that the filters before it have left.
    """

    sentences: Sequence[Sentence]
    settings: FilterSettings
    references: References
    notes: Account
    seed: int


Objects = Callable[[Sentence], bool]
"""Returns True for a sentence that must go."""


def _broken_text(context: Context) -> Objects:
    return lambda sentence: is_broken(sentence.text)


def _placeholders(context: Context) -> Objects:
    return lambda sentence: bool(_PLACEHOLDER.search(sentence.text))


def _fewest_words(context: Context) -> Objects:
    fewest = context.settings.fewest_words or 0
    return lambda sentence: _words(sentence) < fewest


def _most_words(context: Context) -> Objects:
    most = context.settings.most_words or 0
    return lambda sentence: _words(sentence) > most


def _longest_entity(context: Context) -> Objects:
    longest = context.settings.longest_entity or 0
    return lambda sentence: any(len(word_offsets(sentence.surface(span))) > longest for span in sentence.spans)


def _script_share(context: Context) -> Objects:
    share = context.settings.script_share or 0.0
    return lambda sentence: script_share(sentence.text, sentence.language) < share


def _language(context: Context) -> Objects:
    foreign = other_languages(context.sentences, context.notes)
    return lambda sentence: sentence.id in foreign


def _illegal_bio(context: Context) -> Objects:
    return lambda sentence: sentence.id in context.references.illegal


def _exact_duplicates(context: Context) -> Objects:
    seen: set[str] = set()
    return lambda sentence: _seen(folded(sentence.text), seen)


def _near_duplicates(context: Context) -> Objects:
    near = near_duplicates(context.sentences, context.settings.near_duplicates or 0.0)
    return lambda sentence: sentence.id in near


def _leakage(context: Context) -> Objects:
    leaks = Leakage(context.references.protected, context.settings.leakage or 0.0)
    return lambda sentence: leaks.has(sentence.text)


def _contradictions(context: Context) -> Objects:
    main, contested = main_labels(context.sentences, context.settings.contradictions or 0.0)
    context.notes["contested_surfaces"] += contested
    return lambda sentence: contradicts(sentence, main)


def _agreement(context: Context) -> Objects:
    predictions, least = context.references.predictions, context.settings.agreement or 0.0
    return lambda sentence: predictions is not None and predictions[sentence.id] < least


def _all_outside(context: Context) -> Objects:
    surplus = surplus_outside(context.sentences, context.settings.all_outside_share or 0.0, context.seed)
    return lambda sentence: sentence.id in surplus


class Filter(NamedTuple):
    """A filter.

    :param setting: its key in ``synthesis.filters``; null or false switches it off.
    :param reason: the name it is counted by.
    :param make: looks at the corpus once, and returns what judges a sentence.
    """

    setting: str
    reason: str
    make: Callable[[Context], Objects]


FILTERS = (
    Filter("broken_text", "broken_text", _broken_text),
    Filter("placeholders", "placeholders", _placeholders),
    Filter("fewest_words", "too_short", _fewest_words),
    Filter("most_words", "too_long", _most_words),
    Filter("longest_entity", "long_entity", _longest_entity),
    Filter("script_share", "wrong_script", _script_share),
    Filter("language", "wrong_language", _language),
    Filter("illegal_bio", "illegal_bio", _illegal_bio),
    Filter("exact_duplicates", "exact_duplicate", _exact_duplicates),
    Filter("near_duplicates", "near_duplicate", _near_duplicates),
    Filter("leakage", "leakage", _leakage),
    Filter("contradictions", "contradiction", _contradictions),
    Filter("agreement", "disagreement", _agreement),
    Filter("all_outside_share", "all_outside", _all_outside),
)
"""In the order they run."""


def filter_sentences(
    sentences: Sequence[Sentence], settings: FilterSettings, references: References | None = None, *, seed: int = 0
) -> Filtered:
    """Run the filters that are switched on.

    :param seed: of the choice among sentences without entities.
    """
    result = Filtered(list(sentences))
    for filter_ in FILTERS:
        chosen = getattr(settings, filter_.setting)
        if chosen is None or chosen is False:
            continue
        objects = filter_.make(Context(result.kept, settings, references or References(), result.notes, seed))
        verdicts = [(sentence, objects(sentence)) for sentence in result.kept]
        result.kept = [sentence for sentence, wrong in verdicts if not wrong]
        dropped = [sentence for sentence, wrong in verdicts if wrong]
        if dropped:
            result.dropped[filter_.reason] = dropped
    return result


_PLACEHOLDER = regex.compile(
    r"\[\s*(?:\.\.\.|…)\s*\]|\[[A-Z][A-Z_ ]{2,}\]|<[A-Z][A-Z_ ]{2,}>|\{\{|lorem ipsum|\b[Tt]oken_?\d+\b|\bXXX+\b"
)


def is_broken(text: str) -> bool:
    """Return True if a text has characters no writer types: controls, U+FFFD, private use, marks without a letter."""
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
    """Return True if a sentence labels a surface against its main label."""
    return any(main.get(folded(sentence.surface(span)), span.label) != span.label for span in sentence.spans)


def surplus_outside(sentences: Sequence[Sentence], share: float, seed: int) -> set[str]:
    """Return the ids of sentences without entities beyond a share of the corpus, chosen by a seed."""
    empty = [sentence.id for sentence in sentences if not sentence.spans]
    labelled = len(sentences) - len(empty)
    allowed = len(empty) if share >= 1 else int(share * labelled / (1 - share))
    if len(empty) <= allowed:
        return set()
    return set(random.Random(seed).sample(empty, len(empty) - allowed))  # noqa: S311 - a sample, no secret
