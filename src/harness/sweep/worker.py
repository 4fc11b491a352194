"""One worker: claims trials from the ledger until there are none, runs them, and books each."""

import logging
import time
from collections.abc import Mapping, Sequence

from harness.config import compose_config
from harness.config.sweep import Value
from harness.experiment.identity import identity_digest
from harness.machine.progress import duration
from harness.machine.provenance import command_line
from harness.pipeline import Evaluation, Result, Warm, Watch, run_experiment
from harness.sweep.ledger import Claim, Ledger
from harness.sweep.plan import Plan
from harness.sweep.space import as_overrides, suggest
from harness.tracking.store import Store, tracking_uri
from harness.tracking.tracker import Pruned
from harness.values import names
from harness.values.errors import ConfigError, HarnessError, listing

logger = logging.getLogger(__name__)


def work(plan: Plan, *, progress: bool, worker: int = 0) -> list[str]:
    """Run trials until there are none or the budget is used up.

    :param worker: number of this process.
    :returns: one sentence for each trial that failed.
    """
    ledger = Ledger(plan.sweep, plan.folder, worker=worker)
    warm = Warm()
    failed: list[str] = []
    # Failed trials are tried once a launch, so a study whose every trial fails still ends.
    while not _is_used_up(ledger, plan, len(failed)):
        claim = ledger.claim(plan.wanted)
        if claim is None:
            break
        try:
            with claim.heartbeat():
                value = _run_trial(claim, plan, warm, progress)
        except Pruned:
            ledger.prune(claim)
        except Exception as error:
            # Whatever it is (an encoder out of memory, a defect): the other trials go on, and the sweep ends as FAILED.
            ledger.fail(claim)
            kind = "" if isinstance(error, HarnessError) else f"{type(error).__name__}: "
            failed.append(f"trial {claim.number}: {kind}{error}")
            logger.error(
                "trial %d failed: %s%s", claim.number, kind, error, exc_info=logger.isEnabledFor(logging.DEBUG)
            )
            warm = Warm()  # whatever it held may be what filled the memory
        except BaseException:
            ledger.fail(claim)
            raise
        else:
            ledger.finish(claim, value)
            logger.info("trial %d finished: %s", claim.number, _standing(ledger, plan))
    return failed


def _standing(ledger: Ledger, plan: Plan) -> str:
    """Return how much of a study is done, and how long the rest will take at its pace."""
    finished = ledger.finished(plan.wanted.keys())
    whole = _size(plan)
    if not whole:
        return f"{len(finished)} done"
    # Those found in the tracking store were entered in no time.
    lengths = [
        trial.duration.total_seconds() for trial in finished if trial.duration and names.PROCESS in trial.user_attrs
    ]
    left = whole - len(finished)
    if not left or not lengths:
        return f"{len(finished)} of {whole} done"
    rest = sum(lengths) / len(lengths) * left / plan.workers
    if plan.deadline is not None and plan.deadline - time.time() < rest:
        return f"{len(finished)} of {whole} done, no trial begins after {duration(plan.deadline - time.time())}"
    return f"{len(finished)} of {whole} done, about {duration(rest)} left"


def _size(plan: Plan) -> int:
    """Return how many trials this launch can bring a study to; 0 where nothing says."""
    bounds = [bound for bound in (len(plan.wanted), plan.sweep.budget.trials) if bound]
    return min(bounds, default=0)


def _is_used_up(ledger: Ledger, plan: Plan, failed: int) -> bool:
    """Return True where the budget of hours or trials is used up."""
    if plan.deadline is not None and time.time() >= plan.deadline:
        return True
    limit = plan.sweep.budget.trials
    return limit is not None and ledger.started(plan.wanted.keys()) + failed >= limit


def _run_trial(claim: Claim, plan: Plan, warm: Warm, progress: bool) -> float:
    """Run one trial and return its objective: of one seed for a grid cell, the mean of all seeds for a search."""
    if plan.sweep.grid:
        cell = dict(claim.cell)
        seeds: Sequence[int] = [int(cell.pop("seed"))]
    else:
        cell, seeds = suggest(claim.trial, plan.sweep.search), plan.sweep.seeds
        claim.note_cell(cell)
    whole = _size(plan)
    logger.info(
        "trial %d%s: %s",
        claim.number, f" of a study of {whole}" if whole else "",
        " ".join([*as_overrides(cell), *(f"seed={seed}" for seed in seeds)]),
    )  # fmt: skip
    values = []
    for number, seed in enumerate(seeds):
        watch = _watch(claim, plan, prune=number == 0, progress=progress)
        result = _run_seed(claim, plan, warm, {**cell, "seed": seed}, watch)
        if plan.objective not in result.metrics:
            near = [name for name in result.metrics if name.split("/")[-1] == plan.objective.split("/")[-1]]
            raise ConfigError(f"objective: this run logs no {plan.objective!r}; there are {listing(near)}")
        values.append(result.metrics[plan.objective])
    return sum(values) / len(values)


def _watch(claim: Claim, plan: Plan, *, prune: bool, progress: bool) -> Watch:
    """Return who notes the run of a trial and gives it up where the study says so."""

    def on_evaluation(evaluation: Evaluation) -> None:
        if prune and plan.sweep.pruner.name != "none":
            measure = names.measure_of(plan.objective) if names.is_dev(plan.objective) else "entity_f1"
            value = evaluation.measures[measure]
            if claim.should_prune(value, evaluation.number):
                raise Pruned(f"dev {measure} {100 * value:.1f} after step {evaluation.step}")

    return Watch(on_start=claim.note_run, on_evaluation=on_evaluation, progress=progress)


def _run_seed(claim: Claim, plan: Plan, warm: Warm, cell: Mapping[str, Value], watch: Watch) -> Result:
    """Run one experiment of a trial.

    :param cell: the seed among its values.
    """
    settings = {key: value for key, value in cell.items() if key != "seed"}
    overrides = plan.trial_overrides(settings, int(str(cell["seed"])))
    config = compose_config(overrides, plan.config_dir)
    place = ["--config-dir", str(plan.config_dir)] if plan.config_dir else []
    result = run_experiment(
        config,
        command=command_line(["run", *place, *overrides]),
        warm=warm,
        watch=watch,
        parent=plan.parent,
        tags={
            names.KIND: names.KIND_TRIAL,
            names.STUDY: plan.sweep.study,
            names.TRIAL: str(claim.number),
            names.TRIAL_KEY: identity_digest(config),
        },
    )
    if config.tracking.checkpoints == "best":
        store = Store(tracking_uri(config.tracking))
        experiment = store.experiment_id(plan.sweep.name)
        store.keep_best_checkpoint(experiment, plan.parent, config.method.name, plan.wanted.keys())
    return result
