"""Winners of a tuning study on fresh seeds: the best of many trials is the luckiest too, on the seeds that chose it.

Within one row of a comparison all trials must have been judged by the same dev set (the same method, ratio and data),
so that the best one can be told without target gold; rows are then compared on seeds that chose nothing (Bouthillier et
al. 2021, https://arxiv.org/abs/2103.03098).
"""

import shlex
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.config.sweep import Sweep, Value
from harness.tracking.judges import recipe
from harness.tracking.records import Record
from harness.values import names
from harness.values.errors import UsageError, listing

REPETITION = (names.SEED, names.THREADS, *names.SEEDS_APART)
"""Parameters in which repetitions of one setting may differ."""


@dataclass(frozen=True)
class Winner:
    """The best setting of one row.

    :param row: the values that name it.
    :param score: mean dev entity F1 over its seeds, 0..1.
    :param settings: how many were tried in this row.
    """

    row: tuple[str, ...]
    score: float
    settings: int
    records: tuple[Record, ...]


def winners(records: Sequence[Record], by: Sequence[str]) -> list[Winner]:
    """Return the best setting of each row by the dev set of its mixture, judged over all its seeds.

    Settings with fewer seeds than others of their row (pruned or failed on some) are passed over.

    :param by: keys that name a row.
    :raises UsageError: no run has finished well, or a row holds runs that different dev sets judged.
    """
    rows: dict[tuple[str, ...], dict[tuple[tuple[str, str], ...], list[Record]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for record in records:
        if record.status == "FINISHED" and not record.tags.get(names.COLLAPSED) and names.BEST_DEV_F1 in record.metrics:
            setting = tuple(sorted((key, value) for key, value in record.params.items() if key not in REPETITION))
            rows[tuple(record.key(key) for key in by)][setting].append(record)
    if not rows:
        raise UsageError("no run has finished well, so there is nothing to replicate")
    found = []
    for row, settings in sorted(rows.items()):
        recipes = {recipe(run.params) for runs in settings.values() for run in runs}
        if len(recipes) > 1:
            differing = sorted({key for one in recipes for other in recipes for key, _ in set(one) ^ set(other)})
            raise UsageError(
                f"{' '.join(word for word in row if word)}: its runs differ in {listing(differing)}, so different dev "
                "sets judged them; make rows of one kind with --by encoder,method,… and these"
            )
        most = max(len({run.key(names.SEED) for run in runs}) for runs in settings.values())
        complete = [runs for runs in settings.values() if len({run.key(names.SEED) for run in runs}) == most]
        score, best = max(((_score(runs), runs) for runs in complete), key=lambda pair: pair[0])
        found.append(Winner(row, score, len(settings), tuple(best)))
    return found


def _score(runs: Sequence[Record]) -> float:
    return statistics.fmean(run.metrics[names.BEST_DEV_F1] for run in runs)


def replication(experiment: str, records: Sequence[Record], best: Sequence[Winner], seeds: Sequence[int]) -> Sweep:
    """Return the study that runs winners on fresh seeds, in the experiment ``NAME-replicated``.

    :raises UsageError: a seed has chosen them, or a command cannot be repeated.
    """
    used = {record.key(names.SEED) for record in records}
    worn = [seed for seed in seeds if str(seed) in used]
    if worn:
        raise UsageError(
            f"--seeds {listing(worn)}: {experiment!r} was tuned on them; choose seeds that it has not seen"
        )
    grid: list[dict[str, tuple[Value, ...]]] = [
        {key: (value,) for key, value in settings(winner.records[0]).items()} for winner in best
    ]
    return Sweep(
        name=f"{experiment}-replicated",
        description=f"The best settings of each row of {experiment} on seeds that chose nothing.",
        grid=tuple(grid),
        seeds=tuple(seeds),
        budget_per_cell="epochs",  # each has the budget it was tuned with
    )


def settings(record: Record) -> dict[str, str]:
    """Return the overrides of a run but for its seed and where it was recorded.

    :raises UsageError: it was not started by a command that can be repeated.
    """
    words = shlex.split(record.tags.get(names.COMMAND, ""))
    if words[:2] != ["harness", "run"]:
        raise UsageError(f"run {record.run_id} cannot be repeated from its command: {' '.join(words)}")
    pairs = [word.partition("=") for word in words[2:] if "=" in word and not word.startswith("--")]
    return {
        key: value
        for key, _, value in pairs
        if key not in (names.SEED, names.THREADS) and not key.startswith("tracking.")
    }


def config_folder(record: Record) -> Path | None:
    """Return the folder with the user's own groups that a run was started with."""
    words = shlex.split(record.tags.get(names.COMMAND, ""))
    return Path(words[words.index("--config-dir") + 1]) if "--config-dir" in words else None
