"""What a comparison decides: each row against its baseline, ranks with ties, and where the uncertainty comes from.

Figures come from the counts per sentence that runs store (:mod:`harness.evaluation.resampling` draws them); rows whose
runs stored none, or were tested on other languages than the rest, are shown without a decision.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from harness.evaluation.resampling import Drawn, System, Tested, draw
from harness.evaluation.stored import StoredCounts
from harness.evaluation.verdicts import (
    FEW_LANGUAGES,
    REGION,
    Difference,
    Place,
    difference,
    noise_floor,
    places,
    variance_shares,
)
from harness.report.groups import Group
from harness.tracking.records import Record
from harness.values import names
from harness.values.errors import UsageError, listing

CountsOf = Callable[[Record], "Mapping[str, StoredCounts] | None"]
"""How the counts of a run are fetched, by corpus (``test.sv``); None where it has none."""

METHOD = "method."
"""Parameters that begin so are what a baseline differs in."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of a comparison.

    :param against: ``KEY=VALUE,…`` of the row that all are compared with; by itself each row is compared with zero-shot
        transfer of the same other keys, else with the first row.
    :param region: half-width of the region of practical equivalence, 0..1.
    :param over_languages: intervals of means over languages like these, instead of these.
    """

    measure: str
    against: str | None = None
    region: float = REGION
    over_languages: bool = False


@dataclass(frozen=True)
class Decided:
    """The decision.

    :param languages: target languages that every drawn row was tested on, in the order of the cards.
    :param drawn: of each row; None where it has no counts.
    :param baselines: of each row, the number of the row it is compared with; its own for a baseline.
    :param differences: of each row, by language and for ``mean``; empty for baselines and rows without counts.
    """

    wanted: Wanted
    languages: tuple[str, ...]
    drawn: Sequence[Drawn | None]
    baselines: Sequence[int]
    differences: Sequence[Mapping[str, Difference]]
    left_out: Sequence[str] = field(default_factory=list)

    @cached_property
    def places(self) -> Mapping[str, Sequence[Place | None]]:
        """Place of each row, by language and for ``mean``."""
        known = [one for one in self.drawn if one is not None]
        found: dict[str, list[Place | None]] = {}
        for language in (*self.languages, names.MEAN):
            placed = iter(places(known, None if language == names.MEAN else language) if known else [])
            found[language] = [next(placed) if one is not None else None for one in self.drawn]
        return found

    def order(self) -> list[int]:
        """Return the rows in the order in which they are read: each baseline, then its rows, the best first."""

        def height(number: int) -> float:
            one = self.drawn[number]
            return one.mean if one else -1.0

        def place(number: int) -> tuple[float, int, bool, float]:
            base = self.baselines[number]
            return -height(base), base, number != base, -height(number)

        return sorted(range(len(self.drawn)), key=place)

    def notes(self, titles: Sequence[str]) -> tuple[str, ...]:
        """Return what a reader must know of these figures, a sentence each.

        :param titles: what each row is called.
        """
        compared = [by["mean"] for by in self.differences if by]
        if not compared:
            return tuple(self.left_out)
        baselines = list(dict.fromkeys(titles[number] for number in self.baselines))
        known = [one for one in self.drawn if one is not None]
        covered = listing(list(dict.fromkeys(level for one in compared for level in one.covers)))
        apart = [level for level in ("languages", "seeds") if level not in compared[0].covers]
        found = [
            f"differences are to {listing(baselines, most=3)}; 95 % intervals cover {covered}"
            + (f", not {listing(apart)}" if apart else "")
        ]
        floor = noise_floor(known)
        spread = f"; two seeds of one setting differ by {100 * floor:.1f} here (standard deviation)" if floor else ""
        found.append(f"region of practical equivalence: {100 * self.wanted.region:.1f} points{spread}")
        if any(one.verdict == "one seed" for one in compared):
            found.append("no verdict where a row has one seed: another seed could differ by as much")
        else:
            found.append(self._advice(known, compared))
        return (*found, *self.left_out)

    def _advice(self, known: Sequence[Drawn], compared: Sequence[Difference]) -> str:
        shares = [variance_shares(one) for one in known if len(one.seeds) > 1]
        mean = {level: sum(one[level] for one in shares) / len(shares) for level in shares[0]} if shares else {}
        most = max(mean, key=lambda level: mean[level]) if mean else ""
        parts = ", ".join(f"{level} {100 * share:.0f} %" for level, share in mean.items())
        smallest = statistics.median(one.shown for one in compared)
        return (
            f"variance of a mean comes from {parts}: more {most} would narrow it most; "
            f"a difference of {100 * smallest:.1f} points would be shown here four times in five (median of the rows)"
        )


def decide(rows: Sequence[Group], keys: Sequence[str], counts_of: CountsOf, wanted: Wanted) -> Decided:
    """Draw the rows of a comparison and compare each with its baseline.

    :param keys: what names the rows.
    :raises UsageError: ``wanted.against`` names no row, or several.
    """
    baselines = _baselines(rows, keys, wanted.against)
    tests = [_tests(group, counts_of) for group in rows]
    languages = _common(tests)
    left_out = []
    missing = sum(not test for test in tests)
    if missing and languages:
        left_out.append(f"{missing} of {len(rows)} rows have no counts per sentence and are in no interval")
    dropped = sorted({language for test in tests for language in test} - set(languages))
    if dropped and languages:
        left_out.append(
            f"differences of means are over {listing(languages)}; not all rows were tested on {listing(dropped)}"
        )
    systems = [
        System(" ".join(group.keys), {language: test[language] for language in languages})
        if test and languages
        else None
        for group, test in zip(rows, tests, strict=True)
    ]
    usable = [system for system in systems if system is not None and system.seeds]
    found = iter(draw(usable, wanted.measure) if usable else [])
    drawn = [next(found) if system is not None and system.seeds else None for system in systems]
    if wanted.over_languages and len(languages) < FEW_LANGUAGES:
        left_out.append(
            f"{len(languages)} languages are too few to speak of others: intervals over languages start at "
            f"{FEW_LANGUAGES}"
        )
    differences = [_against(drawn, number, base, languages, wanted) for number, base in enumerate(baselines)]
    return Decided(wanted, languages, drawn, baselines, differences, left_out)


def _against(
    drawn: Sequence[Drawn | None], number: int, base: int, languages: Sequence[str], wanted: Wanted
) -> dict[str, Difference]:
    own, other = drawn[number], drawn[base]
    if number == base or own is None or other is None:
        return {}
    over = wanted.over_languages and len(languages) >= FEW_LANGUAGES
    found = {language: difference(own, other, language, region=wanted.region) for language in languages}
    return {**found, names.MEAN: difference(own, other, region=wanted.region, languages_drawn=over)}


def _tests(group: Group, counts_of: CountsOf) -> dict[str, Tested]:
    """Return the target tests of a row by language, seeds in which a model collapsed left out."""
    found: dict[str, dict[str, StoredCounts]] = {}
    for run in group.runs:
        source = run.key(names.DATA_SOURCE)
        for corpus, stored in (counts_of(run) or {}).items():
            split, _, language = corpus.partition(".")
            if split == "test" and language != source and language not in _lost(run):
                seed = "/".join(run.key(key) for key in (names.SEED, *names.SEEDS_APART))
                found.setdefault(language, {})[seed] = stored
    tests = {}
    for language, by_seed in found.items():
        digests = {stored.digest for stored in by_seed.values()}
        if len(digests) == 1:
            tests[language] = Tested(digests.pop(), {seed: stored.by_document for seed, stored in by_seed.items()})
    return tests


def _lost(run: Record) -> set[str]:
    return set(run.tags.get(names.COLLAPSED_LANGUAGES, "").split(","))


def _common(tests: Sequence[Mapping[str, Tested]]) -> tuple[str, ...]:
    """Return the languages that all rows with any test have, in the order of the first row that has them."""
    with_tests = [test for test in tests if test]
    if not with_tests:
        return ()
    return tuple(language for language in with_tests[0] if all(language in test for test in with_tests))


def _baselines(rows: Sequence[Group], keys: Sequence[str], against: str | None) -> list[int]:
    if against:
        return [_named(rows, keys, against)] * len(rows)

    def others(group: Group) -> tuple[str, ...]:
        pairs = zip(keys, group.keys, strict=True)
        return tuple(value for key, value in pairs if not names.ALIASES.get(key, key).startswith(METHOD))

    zero = {others(group): number for number, group in reversed(list(enumerate(rows))) if _is_zero_shot(group)}
    return [zero.get(others(group), 0) for group in rows]


def _is_zero_shot(group: Group) -> bool:
    """Return True for source gold alone, under its own name or as a ratio of 0."""
    if not group.runs:
        return False
    method, ratio = group.runs[0].key("method"), group.runs[0].key("ratio")
    return method == "zero_shot" or (method == "synthetic" and ratio in ("0", "0.0"))


def _named(rows: Sequence[Group], keys: Sequence[str], against: str) -> int:
    wanted = {}
    for part in against.split(","):
        key, equals, value = part.partition("=")
        if not equals or key.strip() not in keys:
            raise UsageError(
                f"--against {against!r}: found {part!r}, expected KEY=VALUE with keys that name a row: {listing(keys)}"
            )
        wanted[key.strip()] = value.strip()
    fitting = [
        number
        for number, group in enumerate(rows)
        if all(dict(zip(keys, group.keys, strict=True))[key] == value for key, value in wanted.items())
    ]
    if len(fitting) != 1:
        shown = [" ".join(f"{k}={v}" for k, v in zip(keys, group.keys, strict=True)) for group in rows]
        raise UsageError(
            f"--against {against!r} fits {len(fitting)} rows, it must fit one of: {listing(shown, most=12)}"
        )
    return fitting[0]
