"""``harness run``: one experiment."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from harness import api
from harness.cli.console import echo, existing_folder
from harness.machine.process import quiet_libraries, show_progress, stop_on_sigterm, use_cores
from harness.values import names

if TYPE_CHECKING:
    from harness.config import Config

logger = logging.getLogger(__name__)


def complete(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return what the shell may complete a word to."""
    return completed(list(ctx.params.get("overrides") or []), incomplete)


def completed(args: list[str], incomplete: str) -> list[str]:
    """Return what a word may be completed to: groups, and the choices of one.

    :param args: the words before it; bash cuts ``encoder=x`` at the sign, zsh and fish do not.
    """
    from harness.config.compose import GROUPS, group_options

    if incomplete in GROUPS or (incomplete in ("", "=") and args and args[-1] in GROUPS):
        group = incomplete if incomplete in GROUPS else args[-1]
        return [f"{group}={name}" if group == incomplete else name for name in group_options(group)]
    if len(args) > 1 and args[-1] == "=" and args[-2] in GROUPS:
        return [name for name in group_options(args[-2]) if name.startswith(incomplete)]
    group, sign, begun = incomplete.partition("=")
    if sign:
        return [f"{group}={name}" for name in group_options(group) if name.startswith(begun)] if group in GROUPS else []
    return [f"{name}=" for name in GROUPS if name.startswith(incomplete)]


Overrides = Annotated[
    Optional[list[str]],  # noqa: UP045 - typer reads this form
    typer.Argument(
        metavar="[KEY=VALUE …]",
        help="Group choices and keys: encoder=xlmr-base method.ratio=0.2 seed=3",
        autocompletion=complete,
    ),
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
    show: Annotated[
        bool, typer.Option("--show", help="Print every key with the value that it has now, as YAML, and run nothing.")
    ] = False,
) -> None:
    """Train, test and record one experiment; without arguments, a small baseline on the embedded corpus.

    GROUP=CHOICE takes a preset of data, encoder, method, translator, aligner, synthesis, trainer, tracking or
    experiment, and a wrong choice lists the right ones. KEY=VALUE sets a key: --show prints all of them,
    docs/configuration.md explains them.
    """
    use_cores()
    quiet_libraries()
    from harness.config import compose_config

    place = existing_folder(config_dir)
    config = compose_config(overrides or [], place)
    if show:
        from harness.config.show import resolved_yaml

        echo(resolved_yaml(config).removesuffix("\n"))
        return
    _check_files(config)
    stop_on_sigterm()
    _announce(config, plain=not overrides)
    from harness.pipeline import Watch

    result = api.run_composed(config, overrides or [], place, Watch(progress=show_progress()))
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


def _check_files(config: "Config") -> None:
    """Miss a file of the data before anything heavy is loaded.

    :raises FileError: one is not there.
    """
    from harness.corpora.catalogue import check_files
    from harness.experiment.identity import needed_splits

    check_files(config.data, config.data_folder or Path.cwd(), needed_splits(config))


def _announce(config: "Config", *, plain: bool) -> None:
    """Say what is about to happen, before anything slow begins.

    :param plain: nothing was asked for.
    """
    from harness.experiment.record import header
    from harness.tracking.store import tracking_uri

    if plain:
        logger.info("no KEY=VALUE given: the defaults, a small baseline on the embedded corpus (harness run --show)")
    logger.info("%s", header(config, tracking_uri(config.tracking)))


def _table(metrics: dict[str, float], languages: list[str]) -> str:
    from harness.report.render import plain_table

    shown = ("entity_f1", "span_f1", "span_accuracy", "label_accuracy")
    rows = []
    for language in [*languages, names.MEAN]:
        values = [metrics.get(names.score("test", language, name)) for name in shown]
        if values[0] is not None:
            rows.append([language, *(f"{100 * value:.1f}" if value is not None else "" for value in values)])
    return plain_table(["test", *(name.replace("_", " ") for name in shown)], rows)
