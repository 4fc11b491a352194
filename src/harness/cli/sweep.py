"""``harness sweep``: launch or resume a study."""

import json
from typing import Annotated

import typer

from harness.cli.console import echo, existing_folder
from harness.cli.run import ConfigDir, Overrides, repeatable
from harness.machine.process import quiet_libraries, use_cores


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sweep")(sweep)


def sweep(
    study: Annotated[str, typer.Argument(metavar="SWEEP.yaml", help="Sweep file, or the name of a shipped one.")],
    overrides: Overrides = None,
    config_dir: ConfigDir = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that share the cores.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")] = False,
) -> None:
    """Launch a study or go on with it; a repeated command runs what is missing."""
    use_cores(workers)
    quiet_libraries()
    from harness.machine.provenance import command_line
    from harness.sweep.space import load_sweep
    from harness.values.errors import HarnessError

    loaded = load_sweep(study)
    from harness.machine.process import show_progress, stop_on_sigterm
    from harness.sweep.launch import launch

    stop_on_sigterm()
    outcome = launch(
        loaded,
        overrides or [],
        config_dir=existing_folder(config_dir),
        workers=workers,
        command=command_line(["sweep", study, *repeatable(overrides or [], config_dir)]),
        progress=show_progress() and workers == 1,
    )
    record = {
        "run_id": outcome.run_id, "experiment": outcome.experiment, "finished": outcome.finished,
        "failed": list(outcome.failed), "remaining": outcome.remaining, "best": outcome.best,
    }  # fmt: skip
    if as_json:
        echo(json.dumps(record, ensure_ascii=False))
    else:
        best = f", best {outcome.best['value']:.3f} on dev (trial {outcome.best['trial']})" if outcome.best else ""
        left = f", {outcome.remaining} left to run" if outcome.remaining else ""
        echo(f"{outcome.experiment}: {outcome.finished} trials finished{left}{best}")
        echo(f"compare them with: harness compare --experiment {outcome.experiment}")
    if outcome.failed:
        raise HarnessError(
            f"{len(outcome.failed)} trials failed, repeat the command to try them again: {outcome.failed[0]}"
        )
