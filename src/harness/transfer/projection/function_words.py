"""Short closed lists of words, and words found by frequency: what the rules of projection know of languages."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harness.transfer.align.words import comparison_key


def _by_language(lists: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    return {language: frozenset(words.split()) for language, words in lists.items()}


ARTICLES = _by_language(
    {
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
    }
)
"""Languages whose articles are words of their own; a leading one belongs to the span only if the source has one."""

PARTICLES = _by_language(
    {
        "zh": "的 了 着 过 地 得 已 将 在 于 和 与 及 或 把 被 从 到 由 向 对 给 为 以 是 有 就 都 也 又 再 很 不 没 "
        "未 请 者 等 后 前 时 中 内 上 下 里 每 各 去 来 会 要 能 可",
        "yue": "的 咗 緊 喺 嘅 同 俾 唔 係 有 就 都 又 再 好 冇 去 嚟 會 要 可",
        "ja": "は が を に へ と で も の や か な て た だ ば",
    }
)
"""Single characters that are words between others."""

ENTITY_SHARE = 0.3
"""A frequent word is no function word if at least this part of its occurrences stands in entities."""

LEAST_KNOWN = 0.15
"""Part of a word's occurrences of which it must be known whether they stand in entities; else it tells nothing."""


def frequent_words(texts: Iterable[Sequence[str]], *, most: int = 40, share: float = 0.004) -> frozenset[str]:
    """Return the words that stand between others in a language, found by frequency, as comparison keys.

    :param most: at most so many words.
    :param share: least share of the running text; a small corpus has few such words or none.
    """
    counts = Counter(comparison_key(word) for words in texts for word in words)
    total = sum(counts.values())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    return frozenset(word for word, count in ranked if total >= 1000 and count >= share * total)


def function_words(frequent: frozenset[str], seen: Iterable[tuple[str, bool | None]]) -> frozenset[str]:
    """Return the frequent words that do not stand in entities as a rule.

    In a narrow domain the words of entities are the frequent ones: 'days' and 'tablets' in prescriptions.

    :param seen: running words, and whether each stands in an entity; None where nothing is known (no link).
    """
    total: Counter[str] = Counter()
    known: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    for word, within in seen:
        key = comparison_key(word)
        total[key] += 1
        if within is not None:
            known[key] += 1
            inside[key] += within
    return frozenset(
        word
        for word in frequent
        if known[word] <= LEAST_KNOWN * total[word] or inside[word] < ENTITY_SHARE * known[word]
    )
