"""A synthetic corpus on disk: the sentences, what was rejected, and the quality card beside them."""

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.answers.items import Legend
from harness.answers.parse import Parsed, Rejected, parse_answer
from harness.machine.store import atomic_path, write_text
from harness.synthesis.filters import Filtered, FilterSettings, folded
from harness.values.errors import DataError, listing
from harness.values.languages import normalise_language
from harness.values.records import Sentence

CARD_ENDING = ".card.json"


def card_path(corpus: Path) -> Path:
    """Return where the quality card of a corpus stands: ``sv.jsonl`` → ``sv.card.json``."""
    return corpus.with_suffix(CARD_ENDING)


@dataclass
class Account:
    """Where every item of the answers went. ``items = parsed + sum(rejected)``, ``parsed = kept + sum(filtered)``."""

    answers: int = 0
    answers_without_items: int = 0
    items: int = 0
    parsed: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    filtered: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """Return the account for JSON."""
        return {
            "answers": self.answers, "answers_without_items": self.answers_without_items, "items": self.items,
            "parsed": self.parsed, "kept": self.kept, "rejected": dict(self.rejected), "filtered": dict(self.filtered),
            "notes": {name: number for name, number in self.notes.items() if number},
        }  # fmt: skip


def read_answers(path: Path, field_path: str) -> list[tuple[str, str]]:
    """Read raw answers: JSON lines, the text found by a dotted path (``response.choices.0.message.content``).

    :returns: (id, text) of each line; the text is empty where the path leads to nothing.
    :raises DataError: the file is missing, a line is no JSON object, or no line at all has the field.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    answers = []
    found = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                value: Any = json.loads(line.decode("utf-8", "replace"))
            except (ValueError, RecursionError):
                raise DataError(f"{path}:{number}: not a JSON object; raw answers are JSON lines") from None
            for key in field_path.split("."):
                if isinstance(value, dict):
                    value = value.get(key)
                elif isinstance(value, list) and key.lstrip("-").isdigit() and -len(value) <= int(key) < len(value):
                    value = value[int(key)]
                else:
                    value = None
            found += isinstance(value, str)
            answers.append((str(number), value if isinstance(value, str) else ""))
    if answers and not found:
        with path.open("rb") as file:
            first = json.loads(next(line for line in file if line.strip()).decode("utf-8", "replace"))
        keys = listing(first) if isinstance(first, dict) else type(first).__name__
        raise DataError(f"{path}: no line has the field {field_path!r}; the first line has {keys}; give --text-field")
    return answers


def parse_answers(
    answers: Sequence[tuple[str, str]], legend: Legend, language: str, *, repairs: Sequence[str] = (), name: str = ""
) -> tuple[list[Sentence], list[tuple[str, Rejected]], Account, set[str]]:
    """Parse answers and book every item.

    :param name: start of the sentences' ids.
    :returns: usable sentences, rejected items with the id of their answer, the account, and the ids of sentences
        with illegal tags.
    """
    tag = normalise_language(language)
    sentences: list[Sentence] = []
    rejected: list[tuple[str, Rejected]] = []
    account = Account(answers=len(answers))
    illegal: set[str] = set()
    for number, text in answers:
        parsed: Parsed = parse_answer(text, legend, tag, f"{name}{number}", repairs)
        sentences += parsed.sentences
        rejected += [(number, one) for one in parsed.rejected]
        illegal |= parsed.illegal
        account.items += parsed.items
        account.notes += parsed.notes
        account.answers_without_items += not parsed.items
        for one in parsed.rejected:
            account.rejected[one.reason] += 1
    account.parsed = len(sentences)
    return sentences, rejected, account, illegal


def write_corpus(path: Path, sentences: Sequence[Sentence]) -> None:
    """Write the corpus as interchange JSON lines, tokens as offsets where the items had them."""
    lines = []
    for one in sentences:
        value: dict[str, Any] = {"id": one.id, "text": one.text, "language": one.language,
                                 "spans": [span._asdict() for span in one.spans]}  # fmt: skip
        if one.tokens is not None:
            value["tokens"] = one.tokens
        lines.append(json.dumps(value, ensure_ascii=False) + "\n")
    write_text(path, "".join(lines))


def write_rejects(path: Path, rejected: Sequence[tuple[str, Rejected]], filtered: Filtered | None) -> None:
    """Write what was not kept, with its reason: one JSON line an item."""
    with atomic_path(path) as scratch, scratch.open("w", encoding="utf-8", newline="\n") as file:
        for answer, one in rejected:
            line = {"answer": answer, "stage": "parse", "reason": one.reason, "item": one.raw}
            file.write(_plain(line) + "\n")
        for reason, sentences in (filtered.dropped if filtered else {}).items():
            for sentence in sentences:
                spans = [span._asdict() for span in sentence.spans]
                item = {"id": sentence.id, "text": sentence.text, "spans": spans}
                file.write(_plain({"stage": "filter", "reason": reason, "item": item}) + "\n")


def _plain(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace").decode("utf-8")


def quality_card(
    sentences: Sequence[Sentence],
    account: Account,
    *,
    language: str,
    labels: Sequence[str],
    settings: FilterSettings | None,
    source: Mapping[str, int] | None = None,
    origin: Mapping[str, Any] | None = None,
    cost: Mapping[str, float] | None = None,
    agreement: float | None = None,
) -> dict[str, Any]:
    """Return what one must know of a synthetic corpus before training on it.

    :param source: entities per label in the source's training data, to compare with.
    :param origin: model, prompt and its version, raw file.
    :param cost: tokens and money.
    :param agreement: mean entity F1 of the kept sentences with a recogniser, 0..1.
    """
    counts = Counter(span.label for one in sentences for span in one.spans)
    entities = sum(counts.values())
    surfaces = Counter(folded(one.surface(span)) for one in sentences for span in one.spans)
    words = [word.casefold() for one in sentences for word in _words_of(one)]
    pairs = list(itertools.pairwise(words))
    lengths = [len(_words_of(one)) for one in sentences]
    card: dict[str, Any] = {
        "language": language,
        "sentences": len(sentences),
        "entities": entities,
        "account": account.as_dict(),
        "labels": {label: counts.get(label, 0) for label in labels},
        "source_labels": dict(source) if source else None,
        "label_distance": label_distance(counts, source) if source and entities else None,
        "without_entities": sum(not one.spans for one in sentences),
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
        "agreement": agreement,
        "filters": settings.model_dump(mode="json") if settings else None,
        "origin": dict(origin) if origin else {},
        "cost": dict(cost) if cost else {},
    }  # fmt: skip
    card["warnings"] = card_warnings(card)
    return card


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
            other = note.partition("/")[2]
            warnings.append(f"{number} sentences read as {other!r} rather than {card['language']!r}: look at some")
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
    return sum(abs(counts.get(one, 0) / totals[0] - source.get(one, 0) / totals[1]) for one in labels) / 2


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
