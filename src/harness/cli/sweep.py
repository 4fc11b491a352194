"""``harness sweep``: launch or resume a study."""

import json
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from harness import api
from harness.cli.console import echo
from harness.cli.run import ConfigDir, Overrides
from harness.machine.process import quiet_libraries, show_progress, stop_on_sigterm, use_cores
from harness.values import names

if TYPE_CHECKING:
    from harness.sweep.launch import Outcome


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sweep")(sweep)
    app.command("replicate")(replicate)


def sweep(
    study: Annotated[str, typer.Argument(metavar="SWEEP.yaml", help="Sweep file, or the name of a shipped one.")],
    overrides: Overrides = None,
    config_dir: ConfigDir = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that share the cores.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")] = False,
) -> None:
    """Launch a study or go on with it; a repeated command runs what is missing."""
    stop_on_sigterm()
    outcome = api.launch(
        study, *(overrides or []), config_dir=config_dir, workers=workers, progress=show_progress() and workers == 1
    )
    _report(outcome, as_json=as_json)


def replicate(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="A finished study.")],
    seeds: Annotated[str, typer.Option("--seeds", help="Seeds that the study has not used, by comma.")],
    by: Annotated[str, typer.Option("--by", help="Keys that make a row, by comma; each has a winner.")] = (
        "encoder,method"
    ),
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that share the cores.")] = 1,
    tracking: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--tracking-uri", help="MLflow store; as tracking.uri in a run."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")] = False,
) -> None:
    """Run the best setting of each row of a study, as its dev set judges, on fresh seeds: EXPERIMENT-replicated."""
    use_cores(workers)
    quiet_libraries()
    from harness.machine.provenance import command_line
    from harness.sweep.launch import launch
    from harness.sweep.replicate import config_folder, replication, winners
    from harness.tracking.records import collect
    from harness.tracking.store import Store, existing_store

    stop_on_sigterm()
    uri = existing_store(tracking)
    records = collect(Store(uri), experiment)
    best = winners(records, [key.strip() for key in by.split(",") if key.strip()])
    study = replication(experiment, records, best, whole_numbers(seeds))
    for winner in best:
        name = " ".join(word for word in winner.row if word)
        echo(f"{name}: best of {winner.settings}, {100 * winner.score:.1f} on dev over {len(winner.records)} seeds")
    outcome = launch(
        study,
        [f"tracking.uri={uri}"],
        config_dir=config_folder(best[0].records[0]),
        workers=workers,
        command=command_line(["replicate", experiment, "--seeds", seeds, "--by", by]),
        progress=show_progress() and workers == 1,
    )
    api.keep_comparison(outcome)
    _report(outcome, as_json=as_json)


def whole_numbers(text: str) -> list[int]:
    """Return the seeds of a list by comma.

    :raises UsageError: one is no whole number.
    """
    from harness.values.errors import UsageError

    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise UsageError(f"--seeds {text!r}: different whole numbers by comma are needed, for example 11,12,13")
    return numbers


def _report(outcome: "Outcome", *, as_json: bool) -> None:
    """Print how a study stands.

    :raises HarnessError: some trials failed.
    """
    from harness.values.errors import HarnessError

    record = {
        "run_id": outcome.run_id, "experiment": outcome.experiment, "finished": outcome.finished,
        "failed": list(outcome.failed), "remaining": outcome.remaining, "best": outcome.best,
    }  # fmt: skip
    if as_json:
        echo(json.dumps(record, ensure_ascii=False))
    else:
        best = ""
        if outcome.best:
            metric, value = outcome.best["metric"], outcome.best["value"]
            shown = f"{100 * value:.1f}" if names.is_share(metric) else f"{value:g}"
            best = f", best {metric} {shown} (trial {outcome.best['trial']})"
            if names.is_share(metric) and not value:
                best += "; no trial found an entity: give them more steps or another learning rate"
        left = f", {outcome.remaining} left to run" if outcome.remaining else ""
        echo(f"{outcome.experiment}: {outcome.finished} trials finished{left}{best}")
        echo(f"compare them with: harness compare --experiment {outcome.experiment}")
        echo(f"look at the study with: optuna-dashboard {outcome.storage} (pip install optuna-dashboard)")
    if outcome.failed:
        raise HarnessError(
            f"{len(outcome.failed)} trials failed, repeat the command to try them again: {outcome.failed[0]}"
        )
