"""The quality card of a synthetic corpus: what one must know before training on it."""

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.values.account import Account
from harness.values.errors import DataError, listing
from harness.values.languages import folded
from harness.values.records import Sentence

CARD_ENDING = ".card.json"


def card_path(corpus: Path) -> Path:
    """Return where the quality card of a corpus stands: ``sv.jsonl`` → ``sv.card.json``."""
    return corpus.with_suffix(CARD_ENDING)


def quality_card(
    sentences: Sequence[Sentence],
    account: Account,
    *,
    language: str,
    labels: Sequence[str],
    source: Mapping[str, int] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what one must know of a synthetic corpus before training on it.

    :param source: entities per label in the source's training data, to compare with.
    :param facts: ``filters`` (their settings), ``origin`` (model, prompt and its version, raw file), ``cost`` (tokens
        and money), ``agreement`` (mean entity F1 of the kept sentences with a recogniser, 0..1).
    """
    facts = facts or {}
    counts = Counter(span.label for sentence in sentences for span in sentence.spans)
    entities = sum(counts.values())
    card: dict[str, Any] = {
        "language": language,
        "sentences": len(sentences),
        "entities": entities,
        "account": items_account(account),
        "labels": {label: counts.get(label, 0) for label in labels},
        "source_labels": dict(source) if source else None,
        "label_distance": label_distance(counts, source) if source and entities else None,
        "without_entities": sum(not sentence.spans for sentence in sentences),
        **_text_figures(sentences),
        "agreement": facts.get("agreement"),
        "filters": facts.get("filters"),
        "origin": facts.get("origin") or {},
        "cost": facts.get("cost") or {},
    }
    card["warnings"] = card_warnings(card)
    return card


def _text_figures(sentences: Sequence[Sentence]) -> dict[str, Any]:
    """Return lengths in words, and how much is said only once."""
    words = [word.casefold() for sentence in sentences for word in _words_of(sentence)]
    pairs = list(itertools.pairwise(words))
    lengths = [len(_words_of(sentence)) for sentence in sentences]
    surfaces = Counter(folded(sentence.surface(span)) for sentence in sentences for span in sentence.spans)
    entities = surfaces.total()
    return {
        "words": {
            "mean": sum(lengths) / len(lengths) if lengths else 0.0, "min": min(lengths, default=0),
            "max": max(lengths, default=0), "histogram": _histogram(lengths),
        },
        "diversity": {
            "distinct_words": len(set(words)) / len(words) if words else 0.0,
            "distinct_pairs": len(set(pairs)) / len(pairs) if pairs else 0.0,
            "distinct_entities": len(surfaces) / entities if entities else 0.0,
            "top_entities": surfaces.most_common(15),
        },
    }  # fmt: skip


def items_account(account: Account) -> dict[str, Any]:
    """Return the account of a synthetic corpus as its card has it.

    ``items = parsed + sum(rejected)`` and ``parsed = kept + sum(filtered)``.
    """
    return {
        **{name: account[name] for name in ("answers", "answers_without_items", "items", "parsed", "kept")},
        "rejected": account.reasons("rejected"),
        "filtered": account.reasons("filtered"),
        "notes": {name: number for name, number in account.reasons("notes").items() if number},
    }


FEW_DISTINCT_ENTITIES = 0.2
"""Share of distinct surfaces below which a corpus teaches a list of names; those at hand have 0.3 and more."""


DOMINANT_LABEL = 0.75
"""Share of one label from which the others are hardly learned; Llama's Swedish sentences have 0.75 PER, and confuse
it.
"""


def card_warnings(card: Mapping[str, Any]) -> list[str]:
    """Return what someone must know before training on a corpus, one sentence each."""
    warnings = []
    labels: Mapping[str, int] = card["labels"]
    entities = sum(labels.values())
    without = [label for label, count in labels.items() if not count]
    if without:
        warnings.append(f"no entity of {listing(without)}: a model that learns from this alone will find none")
    if entities >= 50 and card["diversity"]["distinct_entities"] < FEW_DISTINCT_ENTITIES:
        share = card["diversity"]["distinct_entities"]
        warnings.append(f"only {share:.0%} of the entities are distinct: ask for more topics, or for other names")
    if entities >= 50 and len(labels) > 1:
        label, count = max(labels.items(), key=lambda item: item[1])
        source = card.get("source_labels") or {}
        expected = source.get(label, 0) / (sum(source.values()) or 1)
        if count / entities >= max(DOMINANT_LABEL, 1.5 * expected):
            warnings.append(
                f"{count / entities:.0%} of the entities are {label}: look whether others were labelled so too"
            )
    for note, number in card["account"]["notes"].items():
        if note.startswith("reads_as/"):
            language = note.partition("/")[2]
            warnings.append(f"{number} sentences read as {language!r} rather than {card['language']!r}: look at some")
    foreign = card["account"]["filtered"].get("wrong_language", 0)
    if foreign > 0.1 * max(1, card["account"]["parsed"]):
        warnings.append(f"{foreign} sentences were in another language than {card['language']!r} and are left out")
    return warnings


def _words_of(sentence: Sentence) -> list[str]:
    from harness.values.languages import word_offsets

    offsets = sentence.tokens if sentence.tokens is not None else word_offsets(sentence.text)
    return [sentence.text[start:end] for start, end in offsets]


def _histogram(lengths: Sequence[int], width: int = 5) -> dict[str, int]:
    counts = Counter(length // width * width for length in lengths)
    return {f"{start}-{start + width - 1}": counts[start] for start in range(0, max(counts, default=0) + 1, width)}


def label_distance(counts: Mapping[str, int], source: Mapping[str, int]) -> float:
    """Return the total variation distance of two label distributions, 0 (the same) to 1."""
    totals = sum(counts.values()) or 1, sum(source.values()) or 1
    labels = counts.keys() | source.keys()
    return sum(abs(counts.get(label, 0) / totals[0] - source.get(label, 0) / totals[1]) for label in labels) / 2


def read_card(path: Path) -> dict[str, Any]:
    """Read the quality card beside a corpus, or the card itself.

    :raises DataError: there is none, or it is no card.
    """
    place = path if path.name.endswith(CARD_ENDING) else card_path(path)
    try:
        card = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{place}: no quality card; harness synthesize import and generate write one") from None
    except ValueError:
        raise DataError(f"{place}: not JSON; make it anew with harness synthesize import") from None
    if not isinstance(card, dict) or "account" not in card:
        raise DataError(f"{place}: not a quality card")
    return card


def card_metrics(card: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of a card that a run logs as ``synthesis/LANGUAGE/…``."""
    account = card["account"]
    metrics = {name: float(account[name]) for name in ("answers", "items", "parsed", "kept") if name in account}
    for group in ("rejected", "filtered"):
        metrics |= {f"{group}/{name}": float(number) for name, number in account.get(group, {}).items()}
        metrics[group] = float(sum(account.get(group, {}).values()))
    for name in ("label_distance", "agreement"):
        if card.get(name) is not None:
            metrics[name] = float(card[name])
    metrics |= {name: float(value) for name, value in card.get("diversity", {}).items() if isinstance(value, float)}
    metrics |= {f"cost/{name}": float(value) for name, value in card.get("cost", {}).items()}
    return metrics
