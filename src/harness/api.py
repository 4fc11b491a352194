"""The harness from Python, what a notebook needs: ``import harness``. The command line calls the same functions.

>>> import harness
>>> result = harness.run("method=synthetic", "method.ratio=0.2", encoder="e5-small-q4", seed=3)  # doctest: +SKIP
>>> harness.compare("harness").to_pandas()                                                      # doctest: +SKIP
>>> harness.load("model").predict(["Doliprane 1 g matin et soir"])                              # doctest: +SKIP

Nothing heavy is imported before a function is called.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.machine.process import quiet_libraries, use_cores

if TYPE_CHECKING:
    from harness.config import Config
    from harness.evaluation.stored import StoredCounts
    from harness.model.served import EntityModel
    from harness.pipeline import Result, Watch
    from harness.report.decision import CountsOf, Wanted
    from harness.sweep.launch import Outcome
    from harness.tracking.records import Record
    from harness.tracking.store import Store
    from harness.values.table import Table

logger = logging.getLogger(__name__)

__all__ = ["compare", "evaluate", "launch", "load", "run"]

BY = "encoder,method,ratio"
"""What makes a row of a comparison, where nothing is said."""


def run(
    *overrides: str, config_dir: str | Path | None = None, watch: "Watch | None" = None, **choices: object
) -> "Result":
    """Train, test and record one experiment: ``harness run``.

    :param overrides: ``"GROUP=CHOICE"`` and ``"KEY=VALUE"``, as on the command line.
    :param config_dir: a folder with your own groups: ``DIR/data/NAME.yaml`` …
    :param watch: hears of the run and of each evaluation.
    :param choices: groups and keys of the top level as arguments: ``encoder="e5-small-q4", seed=3``.
    :returns: run id, every metric (0..1, counts, seconds) and parameter; ``collapsed`` says why a run is none.
    :raises HarnessError: with one sentence that says what went wrong.
    """
    use_cores()
    quiet_libraries()
    from harness.config import compose_config

    place = _place(config_dir)
    given = [*overrides, *_as_overrides(choices)]
    return run_composed(compose_config(given, place), given, place, watch)


def run_composed(
    config: "Config", overrides: Sequence[str], config_dir: Path | None, watch: "Watch | None"
) -> "Result":
    """Run an experiment whose configuration is composed already; see :func:`run`.

    :param overrides, config_dir: what it was composed from, for the line that repeats it.
    """
    from harness.machine.provenance import command_line
    from harness.pipeline import run_experiment

    return run_experiment(config, command=command_line(["run", *repeatable(overrides, config_dir)]), watch=watch)


def launch(
    study: str | Path,
    *overrides: str,
    config_dir: str | Path | None = None,
    workers: int = 1,
    progress: bool = False,
    **choices: object,
) -> "Outcome":
    """Launch a study or go on with it: ``harness sweep``.

    :param study: a sweep file, or the name of a shipped one.
    :param workers: processes that share the cores.
    :param progress: show a bar for each training of a single worker.
    :raises HarnessError: a cell is no configuration; trials that failed are listed in the outcome instead.
    """
    use_cores(workers)
    quiet_libraries()
    from harness.sweep.space import load_sweep

    loaded = load_sweep(str(study))
    from harness.machine.provenance import command_line
    from harness.sweep import launch as launching

    place = _place(config_dir)
    given = [*overrides, *_as_overrides(choices)]
    command = command_line(["sweep", str(study), *repeatable(given, place)])
    outcome = launching.launch(loaded, given, config_dir=place, workers=workers, command=command, progress=progress)
    keep_comparison(outcome)
    return outcome


def keep_comparison(outcome: "Outcome") -> None:
    """Store the table of a study and its picture with the study's run, for whoever opens it in MLflow's UI.

    Where that cannot be, a warning says so: the study is done all the same.
    """
    from harness.values.errors import HarnessError

    try:
        if outcome.finished:
            _keep_comparison(outcome)
    except HarnessError as error:
        logger.warning("the table was not stored with the study's run: %s", error)


def _keep_comparison(outcome: "Outcome") -> None:
    from harness.report.figure import heat_map
    from harness.report.render import FORMATS
    from harness.tracking.database import store_errors
    from harness.tracking.store import Store
    from harness.values import names

    table = compare(outcome.experiment, tracking_uri=outcome.uri)
    texts = {
        "md": FORMATS["md"](table) + "\n", "csv": FORMATS["csv"](table) + "\n",
        "svg": heat_map(table, f"{outcome.experiment}: entity F1 x 100 by setting and language"),
    }  # fmt: skip
    client = Store(outcome.uri).client
    with store_errors(outcome.uri):
        for ending, text in texts.items():
            client.log_text(outcome.run_id, text, f"{names.COMPARISON}.{ending}")


MOST_RUNS = 100
"""Runs up to which a comparison fetches their counts per sentence without being told to."""


def compare(
    experiment: str | None = None,
    *,
    by: str = BY,
    measure: str = "entity_f1",
    languages: Sequence[str] | None = None,
    cost: bool = False,
    tracking_uri: str | None = None,
    decide: "Wanted | bool | None" = None,
) -> "Table":
    """Compare runs, mean and standard deviation over seeds, and what can be decided: ``harness compare``.

    :param experiment: name of an experiment; all of the store without it.
    :param by: keys that make a row, by comma.
    :param measure: measures, by comma; what is decided is decided by the first.
    :param languages: columns; all without it.
    :param cost: add tokens and sentences seen, and seconds.
    :param tracking_uri: MLflow store; as ``tracking.uri`` in a run.
    :param decide: whether rows are tested against their baseline, with intervals and ranks, or how
        (:class:`harness.report.decision.Wanted`); up to 100 runs are without it, since each one's counts are fetched.
    :returns: a table; ``to_pandas()`` has its figures at full precision.
    :raises UsageError: there are no such runs, measures, keys or rows.
    """
    quiet_libraries()
    from harness.report.table import checked_measures, comparison
    from harness.tracking.records import collect
    from harness.tracking.store import Store, existing_store

    measures = checked_measures(measure)
    store = Store(existing_store(tracking_uri))
    records = collect(store, experiment)
    keys = usual_keys(records, by)
    table_of = partial(comparison, records, keys, measures, list(languages) if languages else None, cost=cost)
    if decide is False or (decide is None and len(records) > MOST_RUNS):
        table = table_of()
        left_out = f"{len(records)} runs: no intervals without --decide" if decide is None else ""
        return replace(table, notes=(*table.notes, left_out)) if left_out else table
    from harness.report.decision import Wanted
    from harness.report.decision import decide as decided

    wanted = decide if isinstance(decide, Wanted) else Wanted(measures[0])
    return table_of(decider=lambda rows, names: decided(rows, names, counts_from(store), wanted))


def usual_keys(records: Sequence["Record"], by: str) -> list[str]:
    """Return the keys that make a row; of the usual ones those that the runs have: translation has no ratio."""
    from harness.report.groups import has_key

    keys = [key.strip() for key in by.split(",") if key.strip()]
    return [key for key in keys if has_key(records, key)] or keys if by == BY else keys


def counts_from(store: "Store") -> "CountsOf":
    """Return how counts per sentence of runs are fetched."""
    from harness.evaluation.stored import from_text
    from harness.values import names

    def of_run(record: "Record") -> "Mapping[str, StoredCounts] | None":
        text = store.text(record.run_id, names.COUNTS)
        return from_text(text) if text else None

    return of_run


def load(folder: str | Path) -> "EntityModel":
    """Load an exported model; ``load(folder).predict(texts)`` gives the entities of each text, with scores.

    :param folder: what ``harness export`` wrote.
    :raises DataError: there is no model in it, or a damaged one.
    :raises UsageError: it is a model of translate_test, which tags its source
        language alone (``harness predict --translator`` takes texts there and back).
    """
    quiet_libraries()
    from harness.machine.files import exported_manifest

    exported_manifest(Path(folder))  # before torch is loaded
    use_cores()
    from harness.model.served import EntityModel, of_source_alone
    from harness.model.trained import load_tagger
    from harness.values.errors import UsageError

    if source := of_source_alone(Path(folder)):
        raise UsageError(
            f"{folder} is a model of translate_test, which tags {source} alone; "
            "texts in other languages go through 'harness predict --translator'"
        )
    return EntityModel(load_tagger(Path(folder)))


def evaluate(gold: str | Path, predicted: str | Path, *, missing_as_o: bool = False) -> dict[str, Any]:
    """Score anybody's predictions: ``harness evaluate``.

    :param gold, predicted: files in any format that ``harness data convert`` reads, the same sentences in both.
    :param missing_as_o: score sentences and tokens without a prediction as O.
    :returns: every measure, 0..1, and counts.
    :raises DataError: the files do not fit each other.
    """
    from harness.workflows.evaluate_files import score_files

    return score_files(Path(gold), Path(predicted), missing_as_o=missing_as_o).as_json()


def repeatable(overrides: Sequence[str], config_dir: Path | None) -> list[str]:
    """Return the arguments with folders made absolute, so that the line works from anywhere."""
    options = ["--config-dir", str(config_dir)] if config_dir else []
    for override in overrides:
        key, _, value = override.partition("=")
        if key == "encoder.path" and Path(value).expanduser().is_dir():
            override = f"{key}={Path(value).expanduser().absolute()}"
        options.append(override)
    return options


def _place(folder: str | Path | None) -> Path | None:
    return Path(folder).expanduser().absolute() if folder else None


def _as_overrides(choices: dict[str, object]) -> list[str]:
    return [f"{key}={'null' if value is None else value}" for key, value in choices.items()]
