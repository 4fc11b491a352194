"""What a comparison decides: each row against its baseline, ranks with ties, and where the uncertainty comes from.

Figures come from the counts per sentence that runs store (:mod:`harness.evaluation.resampling` draws them). A row and
its baseline are compared in the languages in which both were tested on the very same set; what cannot be is said.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b

from harness.evaluation.resampling import Drawn, System, Tested, draw
from harness.evaluation.spans import Counts
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
from harness.report.groups import Group, collapsed_parts
from harness.tracking.records import Record
from harness.values import names
from harness.values.errors import UsageError, listing

CountsOf = Callable[[Record], "Mapping[str, StoredCounts] | None"]
"""How the counts of a run are fetched, by corpus (``test.sv``); None where it has none."""

OF_THE_METHOD = ("method.", "translator.", "aligner.", "synthesis.", "data.")
"""Parameters that begin so are what a row may differ from its baseline in; that both were tested on the same sentences
is told by the test sets themselves."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of a comparison.

    :param against: ``KEY=VALUE,…`` of the row that all are compared with; without it each row is compared with
        zero-shot transfer of the same encoder and other keys, where there is such a row.
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

    :param drawn: of each row; None where its runs have no counts.
    :param baselines: of each row, the number of the row it is compared with; its own for a baseline, None for no row.
    :param differences: of each row, by language and for ``mean``; empty for baselines and rows that cannot be compared.
    :param left_out: what is in no interval, a sentence each.
    """

    wanted: Wanted
    drawn: Sequence[Drawn | None]
    baselines: Sequence[int | None]
    differences: Sequence[Mapping[str, Difference]]
    left_out: Sequence[str] = field(default_factory=list)

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Target languages of any row, in the order of the rows."""
        return tuple(dict.fromkeys(language for one in self.drawn if one for language in one.languages))

    @cached_property
    def places(self) -> Mapping[str, Sequence[Place | None]]:
        """Place of each row by language and for ``mean``, among the rows tested on the same sets as most are."""
        found: dict[str, Sequence[Place | None]] = {}
        for language in (*self.languages, names.MEAN):
            found[language] = self._placed(None if language == names.MEAN else language)
        return found

    def _placed(self, language: str | None) -> list[Place | None]:
        def tested(one: Drawn | None) -> tuple[tuple[str, str], ...]:
            if one is None or (language is None and not one.seeds) or (language and language not in one.languages):
                return ()
            return tuple(sorted((name, one.digests[name]) for name in ([language] if language else one.languages)))

        sets = Counter(own for own in map(tested, self.drawn) if own)
        usual = sets.most_common(1)[0][0] if sets else None
        ranked = [one for one in self.drawn if one is not None and tested(one) == usual]
        placed = iter(places(ranked, language) if ranked else [])
        return [next(placed) if one is not None and tested(one) == usual else None for one in self.drawn]

    def order(self) -> list[int]:
        """Return the rows in the order in which they are read: each baseline, then its rows, the best first."""

        def height(number: int) -> float:
            one = self.drawn[number]
            return one.mean if one and one.seeds else -1.0

        def place(number: int) -> tuple[float, int, bool, float]:
            base = self.baselines[number]
            block = number if base is None else base
            return -height(block), block, number != block, -height(number)

        return sorted(range(len(self.drawn)), key=place)

    def notes(self, titles: Sequence[str]) -> tuple[str, ...]:
        """Return what a reader must know of these figures, a sentence each.

        :param titles: what each row is called.
        """
        compared = [by[names.MEAN] for by in self.differences if names.MEAN in by]
        if not compared:
            return tuple(self.left_out)
        used = [base for number, base in enumerate(self.baselines) if base is not None and self.differences[number]]
        baselines = list(dict.fromkeys(titles[base] for base in used))
        covered = list(dict.fromkeys(level for one in compared for level in one.covers))
        apart = [level for level in ("languages", "seeds") if level not in covered]
        found = [
            f"differences are to {listing(baselines, most=3)}; 95 % intervals cover {' and '.join(covered)}"
            + (f", not {' or '.join(apart)}" if apart else "")
        ]
        known = [one for one in self.drawn if one is not None]
        floor = noise_floor(known)
        spread = f"; two seeds of one setting differ by {100 * floor:.1f} here (standard deviation)" if floor else ""
        found.append(f"region of practical equivalence: {100 * self.wanted.region:.1f} points{spread}")
        if any(one.verdict == "one seed" for one in compared):
            found.append("no verdict where a row has one seed: another seed could differ by as much")
        if advice := self._advice(known, [one for one in compared if one.verdict != "one seed"]):
            found.append(advice)
        return (*found, *self.left_out)

    def _advice(self, known: Sequence[Drawn], compared: Sequence[Difference]) -> str:
        """Say which of the covered sources makes the intervals wide, and what would be shown."""
        shares = [variance_shares(one) for one in known if len(one.seeds) > 1]
        if not compared or not shares:
            return ""
        covered = compared[0].covers if "languages" in compared[0].covers else ("seeds", "sentences")
        mean = {level: statistics.fmean(one[level] for one in shares) for level in covered}
        total = sum(mean.values())
        if not total:
            return ""
        most = max(mean, key=lambda level: mean[level])
        parts = ", ".join(f"{level} {100 * share / total:.0f} %" for level, share in mean.items())
        smallest = statistics.median(one.shown for one in compared)
        return (
            f"the variance of a mean that these intervals cover is of {parts}: more {most} would narrow them most; "
            f"a difference of {100 * smallest:.1f} points would be shown here four times in five (median of the rows)"
        )


def decide(rows: Sequence[Group], keys: Sequence[str], counts_of: CountsOf, wanted: Wanted) -> Decided:
    """Draw the rows of a comparison and compare each with its baseline.

    :param keys: what names the rows.
    :raises UsageError: ``wanted.against`` names no row, or several.
    """
    baselines = _baselines(rows, keys, wanted.against)
    tests = [_tests(group, counts_of, wanted.measure) for group in rows]
    systems = [System(" ".join(group.keys), test) for group, test in zip(rows, tests, strict=True) if test]
    found = iter(draw(systems, wanted.measure))
    drawn = [next(found) if test else None for test in tests]
    left_out = _left_out(rows, tests, baselines, drawn)
    differences = [_against(drawn, number, base, wanted) for number, base in enumerate(baselines)]
    if wanted.over_languages and not any("languages" in one.covers for by in differences for one in by.values()):
        left_out.append(
            f"intervals over languages start at {FEW_LANGUAGES} languages; fewer are too few to speak of others"
        )
    return Decided(wanted, drawn, baselines, differences, left_out)


def _left_out(
    rows: Sequence[Group],
    tests: Sequence[Mapping[str, Tested]],
    baselines: Sequence[int | None],
    drawn: Sequence[Drawn | None],
) -> list[str]:
    """Say what is in no interval."""
    found = []
    missing = sum(not test and bool(group.runs) for group, test in zip(rows, tests, strict=True))
    if missing:
        found.append(f"{missing} of {len(rows)} rows have runs without counts per sentence and are in no interval")
    alone = sum(base is None for base in baselines)
    if alone:
        found.append(
            f"{alone} of {len(rows)} rows have no zero-shot row to be compared with; --against KEY=VALUE names one"
        )
    partly = []
    for number, base in enumerate(baselines):
        one, other = drawn[number], drawn[base] if base is not None else None
        if one and other and set(_shared(one, other)) != set(one.languages) | set(other.languages):
            partly.append(", ".join(_shared(one, other)) or "no language")
    if partly:
        found.append(
            f"{len(partly)} differences are over the test sets that both rows have alone: {listing(partly, most=3)}"
        )
    return found


def _shared(one: Drawn, other: Drawn) -> tuple[str, ...]:
    """Return the languages in which two rows were tested on the same set."""
    return tuple(
        language
        for language in one.languages
        if language in other.languages and one.digests[language] == other.digests[language]
    )


def _against(drawn: Sequence[Drawn | None], number: int, base: int | None, wanted: Wanted) -> dict[str, Difference]:
    own, other = drawn[number], drawn[base] if base is not None else None
    if number == base or own is None or other is None:
        return {}
    languages = _shared(own, other)
    found = {language: difference(own, other, language, region=wanted.region) for language in languages}
    if languages and own.common_seeds(languages) and other.common_seeds(languages):
        over = wanted.over_languages and len(languages) >= FEW_LANGUAGES
        found[names.MEAN] = difference(own, other, languages=languages, region=wanted.region, languages_drawn=over)
    return found


def _tests(group: Group, counts_of: CountsOf, measure: str) -> dict[str, Tested]:
    """Return the target tests of a row by language; nothing where a run has no counts, or a set changed between seeds.

    Seeds are those of the figures beside: a language's without its collapsed models.
    """
    found: dict[str, dict[str, StoredCounts]] = {}
    for run in group.runs:
        counts = counts_of(run)
        if not counts:
            return {}
        source, lost = run.key(names.DATA_SOURCE), collapsed_parts(run)
        for corpus, stored in counts.items():
            split, _, language = corpus.partition(".")
            if split == "test" and "@" not in language and language not in {source, *lost}:
                seed = "/".join(run.key(key) for key in (names.SEED, *names.SEEDS_APART))
                found.setdefault(language, {})[seed] = stored
    tests = {}
    for language, by_seed in found.items():
        digests = {_digest(stored) for stored in by_seed.values()}
        if len(digests) > 1:
            return {}
        tests[language] = Tested(
            digests.pop(), {seed: _slim(one.by_document, measure) for seed, one in by_seed.items()}
        )
    return tests


def _digest(stored: StoredCounts) -> str:
    """Return what two runs must share to be paired: the sentences, and how they are drawn."""
    units = blake2b("|".join(stored.units).encode(), digest_size=6).hexdigest()
    return f"{stored.digest}/{units}/{len(stored.counts.total)}"


def _slim(counts: Counts, measure: str) -> Counts:
    """Return the counts without the tables of labels that a measure does not need: they are most of the memory."""
    if measure == names.MACRO_F1:
        return counts
    label = measure.rpartition("/")[0]
    return Counts(counts.total, {label: counts.by_label[label]} if label in counts.by_label else {})


def _baselines(rows: Sequence[Group], keys: Sequence[str], against: str | None) -> list[int | None]:
    if against:
        return [_named(rows, keys, against)] * len(rows)

    def others(group: Group) -> tuple[str, ...]:
        pairs = zip(keys, group.keys, strict=True)
        return tuple(value for key, value in pairs if not names.ALIASES.get(key, key).startswith(OF_THE_METHOD))

    def data(group: Group) -> str:
        return group.runs[0].key("data") if group.runs else ""

    zero = [(others(group), data(group), number) for number, group in enumerate(rows) if _is_zero_shot(group)]
    found: list[int | None] = []
    for group in rows:
        fitting = [(own_data != data(group), number) for own, own_data, number in zero if own == others(group)]
        found.append(min(fitting)[1] if fitting else None)  # of the same card before another
    return found


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
