"""``harness errors``: what a run got wrong, in its sentences."""

import json
from typing import Annotated, Optional

import typer

from harness.cli.console import echo
from harness.cli.export import Experiment, Tracking
from harness.machine.process import quiet_libraries


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("errors")(errors)


def errors(
    run: Annotated[str, typer.Argument(metavar="RUN_ID|best", help="A run (the start of its id will do), or best.")],
    language: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--language", help="One language; all tested ones without it."),
    ] = None,
    kind: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--kind", help="boundary, label, boundary_and_label, missed or spurious."),
    ] = None,
    label: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--label", help="Label of the gold or the predicted entity."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Sentences to show; 0 for the counts alone.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of them, one JSON object a line.")] = False,
    method: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--method", help="With best: the best of this method."),
    ] = None,
    experiment: Experiment = None,
    tracking: Tracking = None,
) -> None:
    """Show the errors of a run: gold, what was found, the sentence; and how many there are of each kind."""
    quiet_libraries()
    from harness.report.render import plain_table
    from harness.tracking.store import Store, existing_store
    from harness.workflows.browse_errors import Asked, Erroneous, bracketed, counted, described, run_errors
    from harness.workflows.choose import Wish, choose_run

    store = Store(existing_store(tracking))
    chosen = choose_run(store, run, experiment, Wish(method, language if run == "best" else None, kept=False))
    found = run_errors(store, chosen.record, Asked(language, kind, label))

    def as_object(one: Erroneous) -> dict[str, object]:
        kinds = [{"kind": fate.kind, "gold": fate.gold, "predicted": fate.predicted} for fate in one.errors]
        return {"id": one.gold.id, "language": one.gold.language, "text": one.gold.text, "errors": kinds}

    if as_json:
        for one in found:
            echo(json.dumps(as_object(one), ensure_ascii=False))
        return
    for one in found[:limit]:
        echo(f"{one.gold.language} {one.gold.id}")
        echo(f"  gold   {bracketed(one.gold.text, one.gold.spans)}")
        echo(f"  found  {bracketed(one.gold.text, one.predicted)}")
        for fate in one.errors:
            echo(f"  {described(fate, one.gold.text)}")
    counts = counted(found)
    rows = [[error, labels, str(count)] for (error, labels), count in counts.most_common()]
    echo(("\n" if found[:limit] else "") + plain_table(["kind", "label", "errors"], rows))
    left = f"; shown {min(limit, len(found))}, --limit shows more" if len(found) > limit else ""
    echo(f"{sum(counts.values())} errors in {len(found)} sentences{left}")
