"""One run a cell, beside those of its seeds: mean, deviation and number, so that MLflow's UI can compare settings.

A summary stands beside the sweep's run, on the first screen of its experiment. It holds no more than what can be read
from its seeds, and ``harness compare`` passes over it.
"""

import re
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from harness.tracking.run import Run
from harness.tracking.store import Store
from harness.values import names


def summarise(store: Store, experiment: str, parent: str) -> int:
    """Write or renew the summaries of a sweep's cells that have two seeds or more.

    :param parent: the sweep's run.
    :returns: how many were written.
    """
    place = [store.experiment_id(experiment)]
    children = store.runs(place, f"tags.`{names.PARENT}` = '{parent}'")
    summaries = store.runs(place, f"tags.`{names.SUMMARY_SWEEP}` = '{parent}'")
    known = {run.data.tags.get(names.SUMMARY_CELL): run for run in summaries}
    written = 0
    for cell, runs in _cells(children).items():
        of = ",".join(sorted(str(run.info.run_id) for run in runs))
        former = known.get(cell)
        if len(runs) < 2 or (former and former.data.tags.get(names.SUMMARY_OF) == of):
            continue
        _write(store, experiment, runs, {names.SUMMARY_CELL: cell, names.SUMMARY_SWEEP: parent}, former, of)
        written += 1
    return written


def _cells(runs: Sequence[Any]) -> dict[str, list[Any]]:
    """Return the sound, finished trials of each cell, of each seed the latest.

    A cell has the same parameters but for the seed, and for the threads of a machine.
    """
    cells: dict[str, dict[str, Any]] = {}
    for run in runs:  # oldest first
        sound = run.info.status == "FINISHED" and not run.data.tags.get(names.COLLAPSED)
        if run.data.tags.get(names.KIND) == names.KIND_TRIAL and sound:
            same = {key: value for key, value in run.data.params.items() if not _varies(key)}
            cells.setdefault(repr(sorted(same.items())), {})[run.data.params.get("seed", "")] = run
    return {names.cell_digest(text): list(members.values()) for text, members in cells.items()}


def _varies(parameter: str) -> bool:
    return parameter == "seed" or parameter.startswith("seeds") or parameter == names.THREADS


def _write(store: Store, experiment: str, runs: Sequence[Any], tags: Mapping[str, str], former: Any, of: str) -> None:
    """Write a summary, or renew a former one.

    :param of: ids of the runs it is of.
    """
    name = re.sub(r" seed \d+$", "", runs[0].data.tags.get(names.RUN_NAME, "cell"))
    copied = {key: runs[0].data.tags.get(key, "") for key in (names.LANGUAGES, names.PROTOCOL)}
    kept = {names.KIND: names.KIND_SUMMARY, **copied, **tags}
    title = f"mean of {len(runs)} seeds: {name}"
    with Run(
        store, experiment, name=title, tags={**kept, names.RUN_NAME: title},
        run_id=former.info.run_id if former else None,
    ) as run:  # fmt: skip
        if not (former and former.data.params):
            shared = set.intersection(*(set(one.data.params.items()) for one in runs))
            run.log_params({key: value for key, value in runs[0].data.params.items() if (key, value) in shared})
        run.log_metrics(summary_metrics([one.data.metrics for one in runs]))
        run.set_tags({names.SUMMARY_OF: of})  # last: a summary that was killed is written anew


def summary_metrics(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return mean and sample deviation of the scores that all runs have, headlines first, and the number of seeds."""
    shared = [name for name in runs[0] if all(name in run for run in runs)]
    chosen = [name for name in shared if names.is_headline(name)]
    chosen += [name for name in shared if names.is_test(name) and name.endswith(("/entity_f1", "/span_f1"))]
    chosen += [name for name in shared if name in (names.STEPS, names.SECONDS, names.PARAMETERS)]
    found: dict[str, float] = {}
    for name in chosen:
        found[name] = statistics.fmean(run[name] for run in runs)
    for name in chosen:
        if names.is_headline(name) or names.is_test(name):
            found[f"{name}_sd"] = statistics.stdev(run[name] for run in runs)
    return {**found, names.SEEDS: float(len(runs))}
