"""Several translators or aligners on the same files: run, scored by intrinsic quality, ranked, the best chosen.

A downstream F1 never chooses one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Generic, TypeVar

from harness.config import AlignerCard, TranslatorCard
from harness.machine.store import DiskStore, MemoryStore, ResultStore
from harness.transfer.ranking import Kind, add_ranked, card_digest
from harness.values.errors import UsageError
from harness.values.languages import normalise_language
from harness.values.records import Sentence


@dataclass(frozen=True)
class Languages:
    """Source and target as BCP-47 tags."""

    source: str
    target: str

    @classmethod
    def of(cls, source: str, target: str) -> "Languages":
        """Normalise two codes."""
        return cls(normalise_language(source), normalise_language(target))

    @property
    def pair(self) -> str:
        """``en-es``."""
        return f"{self.source}-{self.target}"


T = TypeVar("T")
Side = Sequence[Sentence]


@dataclass(frozen=True)
class Choice:
    """The components a command compares, and what it does with their results.

    :param candidates: names of cards.
    :param overrides: ``KEY=VALUE`` for all of them.
    :param ranking: file to add the scores to.
    :param keep: put results into the shared cache, and take them from it.
    :param restricted: put nothing on the disk, and send nothing to another machine.
    """

    candidates: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    config_dir: Path | None = None
    ranking: Path | None = None
    keep: bool = False
    restricted: bool = False

    @property
    def store(self) -> ResultStore:
        """Where results are kept: the shared cache if the user asks for it, else memory."""
        return DiskStore() if self.keep and not self.restricted else MemoryStore()


def chosen(text: str, *, scored: bool, what: str, **settings: Any) -> Choice:
    """Return the choice that a command line makes.

    :param text: names of cards, by comma.
    :param what: a word for them.
    :raises UsageError: several are named, or a ranking, without anything to score them by.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names or (len(names) > 1 and not scored):
        raise UsageError(f"{text!r}: several {what} are compared by --score; give it, or name one")
    if settings.get("ranking") and not scored:
        raise UsageError("--ranking keeps scores; give --score as well")
    return Choice(names, **settings)


@dataclass(frozen=True)
class Compared(Generic[T]):
    """Results of the candidates.

    :param best: name of the candidate with the best score, of the only one without scores.
    :param scores: name → scores.
    """

    best: str
    results: dict[str, T]
    scores: dict[str, dict[str, float]]

    @property
    def result(self) -> T:
        """Result of the best candidate."""
        return self.results[self.best]


@dataclass(frozen=True)
class Scored(Generic[T]):
    """What one candidate made.

    :param measure: name and value of the score that ranks it, more being better; nothing where there is no gold.
    :param card: its settings, for the ranking.
    """

    result: T
    scores: dict[str, float]
    measure: tuple[str, float] | None
    card: TranslatorCard | AlignerCard


def compare_candidates(
    choice: Choice, run: Callable[[str], Scored[T]], languages: Languages, sides: tuple[Side, Side]
) -> Compared[T]:
    """Run each candidate, score it where there is gold, add it to the ranking, and choose the best.

    :param sides: the sentences it was measured on.
    """
    results: dict[str, T] = {}
    scores: dict[str, dict[str, float]] = {}
    order: dict[str, float] = {}
    for name in choice.candidates:
        scored = run(name)
        results[name] = scored.result
        if scored.measure is None:
            continue
        scores[name] = scored.scores
        measure, order[name] = scored.measure
        if choice.ranking:
            kind: Kind = "translator" if isinstance(scored.card, TranslatorCard) else "aligner"
            facts = {
                "pair": languages.pair, "pairs": len(sides[0]), "digest": data_digest(*sides),
                "settings": card_digest(scored.card),
            }  # fmt: skip
            add_ranked(choice.ranking, kind, scored.card.name, measure, order[name], facts)
    best = min(order, key=lambda name: (-order[name], name)) if order else choice.candidates[0]
    return Compared(best, results, scores)


def data_digest(*sides: Sequence[Sentence]) -> str:
    """Return what identifies the data a ranking was made on."""
    state = blake2b(digest_size=8)
    for side in sides:
        state.update(repr([sentence.text for sentence in side]).encode())
    return state.hexdigest()
