"""How well each label-free score ranks models and checkpoints, measured against target gold: an oracle's look.

Between models: Spearman's rank correlation of proxy and target F1 over the runs of one experiment, and what the run
that the proxy puts first loses against the best. Between checkpoints: the same correlation over the evaluations within
each run (``tracking.proxies=every``), averaged over runs. Nothing here selects anything.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence

from harness.tracking.records import Record
from harness.values import names
from harness.values.errors import UsageError
from harness.values.table import Column, Figure, Table

Curves = Mapping[str, Mapping[str, Sequence[float]]]
"""Model → metric → its values in the course of a training; the model's name is empty where a run has one."""

SELECTION = "dev of the mixture"
SOURCE = "source dev"
FEWEST_RUNS = 4
"""Runs below which a rank correlation says nothing: of three, one in six orders is right by chance."""


def proxies_table(
    records: Sequence[Record], curves: Callable[[Record], Curves], truth: str, languages: Sequence[str] | None
) -> Table:
    """Return how well each proxy ranks runs, and the evaluations within them.

    :param curves: gives the curves of a run; empty for a run without.
    :param truth: ``dev`` or ``test``: the target gold to measure against.
    :param languages: targets; all that have gold without them.
    :raises UsageError: no run was scored on such gold, or there are too few.
    """
    finished = [record for record in records if record.status == "FINISHED" and not record.tags.get(names.COLLAPSED)]
    oracles = sum(record.tags.get(names.PROTOCOL) == names.ORACLE for record in finished)
    finished = [record for record in finished if record.tags.get(names.PROTOCOL) != names.ORACLE]
    _check_same_sentences(finished)
    targets = [tag for tag in _targets(finished) if not languages or tag in languages]
    known = [tag for tag in targets if any(_score(record, truth, tag) is not None for record in finished)]
    if not known:
        hint = "; --truth test measures against the test sets" if truth == "dev" else ""
        raise UsageError(
            f"no finished run was scored on target {truth} gold, so proxies have nothing to agree with{hint}"
        )
    if len(finished) < FEWEST_RUNS:
        raise UsageError(f"{len(finished)} finished runs are too few to rank; {FEWEST_RUNS} at least")
    watched = [curves(record) for record in finished]
    rows = [
        row
        for proxy in (SOURCE, SELECTION, *names.PROXY_SPLITS)
        if (row := _row(proxy, finished, watched, truth, known))
    ]
    columns = [Column("proxy", "proxy"), Column("runs", "runs")]
    columns += [Column(f"spearman/{tag}", tag, "ratio") for tag in known]
    columns += [
        Column("spearman", "mean of languages"),
        Column("loss", "its choice loses", "score"),
        Column("checkpoints", "checkpoints", "ratio"),
    ]
    return Table(
        tuple(columns), tuple(row for row, _ in rows), [detail for _, detail in rows], _notes(truth, finished, oracles)
    )


def _check_same_sentences(records: Sequence[Record]) -> None:
    """:raises UsageError: runs were scored on other sentences under the same name."""
    seen: dict[str, str] = {}
    for record in records:
        entries = [*record.tags.get(names.PROXIES, "").split(","), *record.params.get(names.DATA_TESTS, "").split(",")]
        for entry in entries:
            name, _, digest = entry.partition("=")
            if seen.setdefault(name, digest) != digest:
                raise UsageError(
                    f"runs were scored on different {name} sentences, so they cannot be ranked together; name one "
                    "experiment with --experiment"
                )


def _notes(truth: str, finished: Sequence[Record], oracles: int) -> tuple[str, ...]:
    left_out = (f"{oracles} runs that saw target gold are left out",) if oracles else ()
    return (
        *left_out,
        f"oracle use: target {truth} gold is looked at, to judge the proxies and nothing else",
        f"rank correlation (Spearman) over {len(finished)} runs with 95 % interval (Bonett and Wright 2000); seeds of "
        "one setting are not independent, so it is too narrow where there are many",
    )


def _targets(records: Sequence[Record]) -> list[str]:
    found: dict[str, None] = {}
    for record in records:
        for language in record.tags.get(names.LANGUAGES, "").split(",")[1:]:
            found.setdefault(language)
    return list(found)


def _score(record: Record, split: str, language: str) -> float | None:
    return record.metrics.get(names.score(split, language, "entity_f1"))


def _proxy(record: Record, proxy: str, language: str) -> float | None:
    if proxy == SELECTION:
        return record.metrics.get(names.BEST_DEV_F1)
    if proxy == SOURCE:
        return _score(record, "dev", record.key(names.DATA_SOURCE))
    return _score(record, proxy, language)


def _row(
    proxy: str, records: Sequence[Record], curves: Sequence[Curves], truth: str, languages: Sequence[str]
) -> tuple[tuple[str | Figure, ...], dict[str, object]] | None:
    """Return the row of one proxy; nothing where fewer runs than can be ranked have it."""
    correlations: dict[str, float] = {}
    losses: list[float] = []
    counts: list[int] = []
    for language in languages:
        pairs = [(_proxy(record, proxy, language), _score(record, truth, language)) for record in records]
        both = [(a, b) for a, b in pairs if a is not None and b is not None]
        if len(both) < FEWEST_RUNS:
            continue
        counts.append(len(both))
        rho = spearman(*zip(*both, strict=True))
        correlations |= {language: rho} if rho is not None else {}
        first = max(a for a, _ in both)
        losses.append(max(b for _, b in both) - statistics.fmean(b for a, b in both if a == first))  # ties: by chance
    if not counts:
        return None
    mean = statistics.fmean(correlations.values()) if correlations else None
    low, high = interval(mean, min(counts)) if mean is not None else (None, None)
    shown = "" if mean is None else f"{mean:.2f} [{low:.2f}, {high:.2f}]"
    within = _checkpoints(proxy, records, curves, truth, languages)
    loss = statistics.fmean(losses)
    cells: tuple[str | Figure, ...] = (
        proxy, str(min(counts)), *(Figure(correlations.get(language)) for language in languages), shown, Figure(loss),
        Figure(within),
    )  # fmt: skip
    detail: dict[str, object] = {"proxy": proxy, "runs": min(counts), "oracle": True, "truth": truth}
    detail |= {f"spearman/{language}": correlations.get(language) for language in languages}
    detail |= {"spearman": mean, "spearman_low": low, "spearman_high": high, "loss": loss, "checkpoints": within}
    return cells, detail


def _checkpoints(
    proxy: str, records: Sequence[Record], curves: Sequence[Curves], truth: str, languages: Sequence[str]
) -> float | None:
    """Return the mean correlation of proxy and target dev over the evaluations within runs; nothing without curves."""
    found = []
    models = [(record, curve) for record, parts in zip(records, curves, strict=True) for curve in parts.values()]
    for record, curve in models:
        for language in languages:
            name = names.curve(proxy, language)
            if proxy == SOURCE:  # where source dev judges the mixture, it is not scored twice
                name = names.curve("dev", record.key(names.DATA_SOURCE))
            if proxy == SELECTION or (proxy == SOURCE and name not in curve):
                name = names.DEV_F1
            gold = curve.get(names.curve(truth, language))
            if gold is not None and name in curve and len(curve[name]) == len(gold) >= FEWEST_RUNS:
                rho = spearman(curve[name], gold)
                found += [rho] if rho is not None else []
    return statistics.fmean(found) if found else None


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation, -1..1; nothing where one side does not vary."""
    if len(set(first)) < 2 or len(set(second)) < 2:
        return None
    from scipy import stats  # a second to load

    return float(stats.spearmanr(first, second).statistic)


def interval(rho: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a rank correlation (Bonett and Wright 2000, doi 10.1007/BF02294183, section 3).

    :param count: pairs it is of, at least four.
    """
    if abs(rho) >= 1:
        return rho, rho
    half = 1.959964 * math.sqrt((1 + rho**2 / 2) / (count - 3))
    return math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)
