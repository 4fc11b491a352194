"""Which sentences of a corpus are in another language than the one asked for."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import regex

from harness.values.account import Account
from harness.values.records import Sentence


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


def other_languages(sentences: Sequence[Sentence], notes: Account) -> set[str]:
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
