"""``harness compare``: a table that decides, and a gate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from harness import api
from harness.cli.console import echo
from harness.cli.export import Experiment, Tracking
from harness.machine.process import quiet_libraries

if TYPE_CHECKING:
    from harness.values.table import Table

Against = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--against", metavar="KEY=VALUE,…", help="The row that all are compared with; zero-shot transfer without it."
    ),
]
Decide = Annotated[
    Optional[bool],  # noqa: UP045
    typer.Option("--decide/--no-decide", help="Intervals, ranks and ties; up to 100 runs without it."),
]
PublishedCorpora = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--published", metavar="CORPUS,…", help="Published figures on uner, masakhaner2 … under the rows."),
]
Sort = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--sort", metavar="COLUMN", help="Sort by a column: mean, sv, steps … highest first."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare")(compare)


def compare(
    experiment: Experiment = None,
    by: Annotated[str, typer.Option("--by", help="Keys that make a row, by comma.")] = api.BY,
    measure: Annotated[
        str, typer.Option("--measure", help="Measures, by comma: entity_f1, span_f1, DRUG/entity_f1 …")
    ] = "entity_f1",
    languages: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--languages", help="Columns, by comma: en,sv,mean"),
    ] = None,
    format_name: Annotated[str, typer.Option("--format", help="table, csv, md, latex or json")] = "table",
    against: Against = None,
    region: Annotated[
        float, typer.Option("--region", min=0.0, max=100.0, help="Points of F1 that nobody would act on.")
    ] = 1.0,
    over_languages: Annotated[
        bool, typer.Option("--over-languages", help="Intervals of means cover languages like these; 5 or more.")
    ] = False,
    decide: Decide = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit code 1 where a row is worse than its baseline in a language.")
    ] = False,
    sort: Sort = None,
    published: PublishedCorpora = None,
    cost: Annotated[bool, typer.Option("--cost", help="Add tokens and sentences seen, and seconds.")] = False,
    wide: Annotated[bool, typer.Option("--wide", help="All columns, however wide.")] = False,
    caption: Annotated[str, typer.Option("--caption", help="With --format latex.")] = "",
    proxies: Annotated[
        bool, typer.Option("--proxies", help="How well label-free scores rank the runs against target gold, instead.")
    ] = False,
    truth: Annotated[str, typer.Option("--truth", help="With --proxies: target gold of dev, or test.")] = "dev",
    output: Annotated[Optional[Path], typer.Option("--output", "-o", help="Write to a file.")] = None,  # noqa: UP045
    tracking: Tracking = None,
) -> None:
    """Compare runs: mean ± deviation over seeds, x 100, differences to a baseline with intervals, ranks with ties."""
    quiet_libraries()
    columns = languages.split(",") if languages else None
    _check(format_name, truth)
    if proxies:
        table = _proxies(experiment, truth, columns, tracking)
    else:
        from harness.report.decision import Wanted
        from harness.report.table import checked_measures
        from harness.values.errors import UsageError

        if decide is False and (gate or against or over_languages):
            raise UsageError("--no-decide leaves out what --gate, --against and --over-languages are about")
        wanted = Wanted(checked_measures(measure)[0], against, region / 100, over_languages)
        asked = decide or gate or over_languages or against is not None or wanted != Wanted(wanted.measure)
        table = api.compare(
            experiment, by=by, measure=measure, languages=columns, cost=cost, tracking_uri=tracking,
            decide=False if decide is False else wanted if asked else None,
        )  # fmt: skip
    _print(_beside(table, published), format_name, sort, wide, caption, output)
    if gate:
        raise typer.Exit(_gate(table, err=format_name != "table"))


def _beside(table: "Table", published: str | None) -> "Table":
    from harness.report.published import with_published

    return with_published(table, published.split(",")) if published else table


def _check(format_name: str, truth: str) -> None:
    from harness.report import render
    from harness.values.errors import UsageError, listing

    if format_name not in render.FORMATS:
        raise UsageError(f"--format {format_name!r}: allowed {listing(render.FORMATS)}")
    if truth not in ("dev", "test"):
        raise UsageError(f"--truth {truth!r}: allowed dev, test")


def _proxies(experiment: str | None, truth: str, languages: list[str] | None, tracking: str | None) -> "Table":
    from harness.report.proxies import proxies_table
    from harness.tracking.records import collect
    from harness.tracking.store import Store, existing_store

    store = Store(existing_store(tracking))
    return proxies_table(collect(store, experiment), lambda record: store.curves(record.run_id), truth, languages)


def _print(table: "Table", format_name: str, sort: str | None, wide: bool, caption: str, output: Path | None) -> None:
    from harness.machine.files import write_text
    from harness.report import render
    from harness.report.fit import fitted, sorted_by

    if sort:
        table = sorted_by(table, sort)
    if format_name == "table" and not wide and output is None:
        table = fitted(table)
    text = render.latex_table(table, caption) if format_name == "latex" else render.FORMATS[format_name](table)
    if output:
        write_text(output, text + "\n")
        echo(f"wrote {output}")
    else:
        echo(text)
    for note in table.notes:
        echo(f"note: {note}", err=True)


def _gate(table: "Table", *, err: bool) -> int:
    """Print the cells by outcome, and return the exit code: 1 where one is worse.

    :param err: on standard error, where standard output is for a program.
    """
    from harness.report.gate import cells

    found = cells(table)
    for outcome in ("worse", "inconclusive", "equal", "better"):
        echo(f"{outcome}: {len(found[outcome])}", err=err)
        for cell in found[outcome]:
            echo(f"  {cell}", err=err)
    return 1 if found["worse"] else 0
