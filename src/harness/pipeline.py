"""One experiment: prepare → open run → train rounds → score → record. The file to read first.

``harness run`` calls :func:`run_experiment` once, a sweep calls it many times. What each step does is one file of
:mod:`harness.experiment`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from harness.config import Config
from harness.experiment.prepare import prepare, training_folder
from harness.experiment.record import (
    evaluation_recorder,
    record_inputs,
    record_outcome,
    record_round,
    run_name,
    run_params,
    run_tags,
)  # fmt: skip
from harness.experiment.rounds import joined, rounds
from harness.experiment.score import score_round
from harness.experiment.warm import Warm
from harness.machine.locks import scratch_folder
from harness.model.plan import Evaluation, Watch
from harness.tracking.run import open_run
from harness.tracking.store import tracking_uri
from harness.tracking.tracker import Tracker
from harness.values.errors import text_withheld

__all__ = ["Evaluation", "Result", "Warm", "Watch", "run_experiment"]


@dataclass(frozen=True)
class Result:
    """Result of an experiment.

    :param metrics: everything recorded, last values.
    :param collapsed: why the run must not be averaged with others; empty for a sound one.
    """

    run_id: str
    metrics: dict[str, float]
    params: dict[str, str]
    collapsed: str
    tags: dict[str, str] = field(default_factory=dict)


def run_experiment(
    config: Config,
    *,
    command: str,
    warm: Warm | None = None,
    watch: Watch | None = None,
    parent: str | None = None,
    tags: Mapping[str, str] | None = None,
    tracker: Tracker | None = None,
) -> Result:
    """Run one experiment and record it.

    :param command: the line that repeats it, for the tag ``harness.command``.
    :param warm: keeps corpora and pretrained weights from one experiment to the next.
    :param watch: hears of the run and of each evaluation of the first model, and may raise
        :class:`harness.tracking.tracker.Pruned`.
    :param parent: run id of the sweep this is a trial of.
    :param tracker: records instead of MLflow.
    :raises HarnessError: with one sentence that says what went wrong; the run is closed as FAILED.
    """
    watch = replace(watch or Watch(), state_seconds=config.tracking.state_seconds)
    withheld = partial(text_withheld, config.data.name, restricted=config.data.restricted)
    with withheld():
        described = run_tags(config, command) | dict(tags or {})
        if tracker is None:
            tracking_uri(config.tracking)  # a store that cannot be is told before translations and alignments
        prepared = prepare(config, warm or Warm())  # bad input stops here, before a run is opened
        run = tracker or open_run(config.tracking, run_name(config), described, parent)
        # Withheld inside too: the run keeps the reason of its failure.
        with training_folder(config) as folder, run, withheld():
            watch.on_start(run.run_id)
            metrics = record_inputs(run, prepared)
            scored = []
            for round_ in rounds(
                prepared, lambda part, first: joined(watch, evaluation_recorder(run, part), first), folder
            ):
                scored.append(score_round(prepared, round_))
                with scratch_folder() as scratch:
                    record_round(run, prepared, scored[-1], scratch / "model")
            outcome, collapsed = record_outcome(run, prepared, scored, metrics)
        params = run_params(config) | prepared.data_params
        return Result(run.run_id, metrics | outcome, params, collapsed, described)
