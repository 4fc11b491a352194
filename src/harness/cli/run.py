"""``harness run``: one experiment."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from harness.cli.console import echo, existing_folder
from harness.machine.process import quiet_libraries, use_cores
from harness.values import names

if TYPE_CHECKING:
    from harness.config import Config

logger = logging.getLogger(__name__)

Overrides = Annotated[
    Optional[list[str]],  # noqa: UP045 - typer reads this form
    typer.Argument(metavar="[KEY=VALUE …]", help="Group choices and keys: encoder=xlmr-base method.ratio=0.2 seed=3"),
]
ConfigDir = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--config-dir", help="Folder with your own groups: DIR/data/NAME.yaml, DIR/encoder/NAME.yaml …"),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    overrides: Overrides = None,
    config_dir: ConfigDir = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object (run_id, metrics, params) as the last line.")
    ] = False,
) -> None:
    """Train, test and record one experiment.

    Keys and choices are listed in docs/configuration.md; KEY=VALUE sets a key, GROUP=CHOICE takes a preset.
    """
    use_cores()
    quiet_libraries()
    from harness.config import compose_config
    from harness.machine.process import stop_on_sigterm
    from harness.machine.provenance import command_line

    config = compose_config(overrides or [], existing_folder(config_dir))
    stop_on_sigterm()
    from harness.machine.process import show_progress
    from harness.pipeline import Watch, run_experiment

    _announce(config, plain=not overrides)
    command = command_line(["run", *repeatable(overrides or [], config_dir)])
    result = run_experiment(config, command=command, watch=Watch(progress=show_progress()))
    if as_json:
        record = {
            "run_id": result.run_id, "metrics": result.metrics, "params": result.params,
            "tags": result.tags, "collapsed": result.collapsed,
        }  # fmt: skip
        echo(json.dumps(record, ensure_ascii=False, sort_keys=True))
        return
    echo(_table(result.metrics, list(config.data.languages)))
    if result.collapsed:
        echo(f"collapsed: {result.collapsed}", err=True)
    echo(f"run {result.run_id} in experiment {config.tracking.experiment!r}; compare with: harness compare")


def _announce(config: "Config", *, plain: bool) -> None:
    """Say what is about to happen, before anything slow begins.

    :param plain: nothing was asked for.
    """
    from harness.experiment.record import header
    from harness.tracking.store import tracking_uri

    if plain:
        logger.info("no KEY=VALUE given: the defaults, a small baseline on the embedded corpus (harness run --show)")
    logger.info("%s", header(config, tracking_uri(config.tracking)))


def repeatable(overrides: list[str], config_dir: Path | None) -> list[str]:
    """Return the arguments with folders made absolute, so that the line works from anywhere."""
    place = existing_folder(config_dir)
    options = ["--config-dir", str(place)] if place else []
    for override in overrides:
        key, _, value = override.partition("=")
        if key == "encoder.path" and Path(value).expanduser().is_dir():
            override = f"{key}={Path(value).expanduser().absolute()}"
        options.append(override)
    return options


def _table(metrics: dict[str, float], languages: list[str]) -> str:
    from harness.report.render import plain_table

    shown = ("entity_f1", "span_f1", "span_accuracy", "label_accuracy")
    rows = []
    for language in [*languages, names.MEAN]:
        values = [metrics.get(names.score("test", language, name)) for name in shown]
        if values[0] is not None:
            rows.append([language, *(f"{100 * value:.1f}" if value is not None else "" for value in values)])
    return plain_table(["test", *(name.replace("_", " ") for name in shown)], rows)
