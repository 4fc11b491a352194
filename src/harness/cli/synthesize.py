"""``harness synthesize generate | import | inspect``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from harness.cli.console import echo, existing_folder
from harness.cli.run import ConfigDir
from harness.machine.process import quiet_libraries, stop_on_sigterm, use_cores

if TYPE_CHECKING:
    from harness.workflows.synthesise import Made

app = typer.Typer(
    help="Synthetic sentences: generate, import anybody's answers, look at their quality.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Filters = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--filter", help="Set a filter: --filter near_duplicates=0.9 --filter language=false; none for all off."
    ),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Corpus to write (.jsonl); its card stands beside it.")]
Language = Annotated[str, typer.Option("--language", help="BCP-47 tag of the sentences.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the choice among sentences without entities.")]
TagLegend = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--tag-legend", help="What integer tags mean, by comma: O,B-PER,I-PER"),
]
Labels = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--labels", help="Allowed labels, by comma, where answers name them; --data gives them too."),
]
DropLabel = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--drop-label", help="Leave out entities of this label (counted)."),
]
Rejects = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--rejects", help="Write what was not kept, with its reason."),
]
Data = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--data", help="Data card: its labels, its dev and test sets against leakage."),
]
Repair = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--repair", help="Apply a repair by name (trailing_tag); counted."),
]
Predictions = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--predictions", help="A recogniser's predictions on the imported corpus, for --filter agreement=…"),
]


@app.command("import")
def import_(
    raw: Annotated[Path, typer.Argument(metavar="RAW.jsonl", help="Raw answers, one JSON object a line.")],
    language: Language,
    output: Output,
    text_field: Annotated[
        str, typer.Option("--text-field", help="Where the answer's text stands: response.choices.0.message.content")
    ] = "text",
    tag_legend: TagLegend = None,
    labels: Labels = None,
    drop_label: DropLabel = None,
    rejects: Rejects = None,
    data: Data = None,
    repair: Repair = None,
    filters: Filters = None,
    predictions: Predictions = None,
    seed: Seed = 0,
    config_dir: ConfigDir = None,
    as_json: AsJson = False,
) -> None:
    """Import raw answers: parse, filter, and say what became of every item."""
    use_cores()
    quiet_libraries()
    from harness.config import compose_config
    from harness.values.languages import normalise_language
    from harness.workflows.synthesise import (
        Job,
        RawAnswers,
        Surroundings,
        filter_overrides,
        import_file,
        legend_of,
        surroundings,
    )  # fmt: skip

    tag = normalise_language(language)
    chosen = filter_overrides(filters or [])
    config = compose_config([*([f"data={data}"] if data else []), *(chosen or [])], existing_folder(config_dir))
    card = config.data if data else None
    legend = legend_of(config if data else None, tag_legend=tag_legend, labels=labels, dropped=drop_label or [])
    job = Job(
        tag, output, None if chosen is None else config.synthesis.filters, rejects, seed=seed,
        around=surroundings(card, config.data_folder or Path.cwd(), tag) if card else Surroundings(),
        restricted=card.restricted if card else False,
    )  # fmt: skip
    _report(import_file(RawAnswers(raw, text_field, tuple(repair or ()), predictions), legend, job), output, as_json)


@app.command("generate")
def generate(
    language: Language,
    output: Output,
    overrides: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(metavar="[KEY=VALUE …]", help="synthesis=clinical synthesis.model=NAME synthesis.base_url=URL"),
    ] = None,
    data: Annotated[
        str, typer.Option("--data", help="Data card: labels, examples, and what must not leak.")
    ] = "rx_mini",
    number: Annotated[int, typer.Option("--calls", min=1, help="Calls to make.")] = 20,
    write_batch: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--write-batch", help="Write the calls for a vendor's batch API instead of making them."),
    ] = None,
    collect: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--collect", help="Take the answers from a batch API's output file."),
    ] = None,
    filters: Filters = None,
    config_dir: ConfigDir = None,
    as_json: AsJson = False,
) -> None:
    """Have a model write labelled sentences. A killed generation asks only for what is missing."""
    use_cores()
    quiet_libraries()
    from harness.config import compose_config
    from harness.values.errors import HarnessError, UsageError
    from harness.values.languages import normalise_language
    from harness.workflows.synthesise import batch_requests, filter_overrides
    from harness.workflows.synthesise import generate as run

    chosen = filter_overrides(filters or [])
    tag = normalise_language(language)
    config = compose_config([f"data={data}", *(overrides or []), *(chosen or [])], existing_folder(config_dir))
    if chosen is not None and config.synthesis.filters.agreement is not None:
        raise UsageError("--filter agreement needs predictions; import the answers with --predictions afterwards")
    if write_batch:
        count = batch_requests(config, tag, number, output, write_batch)
        echo(f"wrote {write_batch}: {count} requests; give the batch's output to --collect")
        return
    stop_on_sigterm()
    synthesis, outcome = run(config, tag, number, output, collected=collect, filtered=chosen is not None)
    for line in dict.fromkeys(outcome.reasons[:3]):
        echo(f"failed: {line}", err=True)
    if outcome.stopped:
        echo(f"stopped: {outcome.stopped}", err=True)
    if outcome.failed:
        echo(f"{outcome.failed} calls have no answer; the same command asks for them again", err=True)
    _report(synthesis, output, as_json)
    if outcome.failed and not outcome.asked and not outcome.known:
        raise HarnessError("no call was answered")


@app.command("inspect")
def inspect(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS.jsonl", help="A corpus with its card, or the card.")],
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", help="Page to write; beside the corpus without it."),
    ] = None,
    samples: Annotated[bool, typer.Option(help="Show some sentences.")] = True,
    as_json: AsJson = False,
) -> None:
    """Write the quality card of a synthetic corpus as a page with plots."""
    from harness.machine.files import write_text
    from harness.report.quality_page import quality_page
    from harness.workflows.synthesise import page_of

    target = output or corpus.with_suffix(".html")
    page, card = page_of(corpus, quality_page, samples=samples)
    write_text(target, page)
    for warning in card["warnings"]:
        echo(f"warning: {warning}", err=True)
    echo(f"wrote {target}", err=as_json)
    if as_json:
        echo(json.dumps(card, ensure_ascii=False, sort_keys=True))


def _report(synthesis: "Made", output: Path, as_json: bool) -> None:
    from harness.report.render import plain_table
    from harness.synthesis.card import items_account
    from harness.values.errors import HarnessError

    account = synthesis.account
    lines = [
        ["answers", str(account["answers"])],
        ["items seen", str(account["items"])],
        ["usable", str(account["parsed"])],
    ]
    rejected = sorted(account.reasons("rejected").items(), key=lambda reason: -reason[1])
    lines += [[f"rejected: {reason}", str(count)] for reason, count in rejected]
    lines += [[f"filtered: {reason}", str(count)] for reason, count in account.reasons("filtered").items()]
    lines += [["kept", str(account["kept"])]]
    echo(plain_table(["", "items"], lines), err=as_json)
    for warning in synthesis.card["warnings"]:
        echo(f"warning: {warning}", err=True)
    if synthesis.sentences:
        echo(f"wrote {output}; look at it with: harness synthesize inspect {output}", err=as_json)
    if as_json:
        value = items_account(account) | {"output": str(output) if synthesis.sentences else None}
        echo(json.dumps(value, ensure_ascii=False, sort_keys=True))
    if not synthesis.sentences:
        raise HarnessError(
            f"no sentence is left of {account['items']} items in {account['answers']} answers; no corpus is written"
        )
