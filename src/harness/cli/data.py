"""``harness data list | stats | check | convert``."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from harness.cli.console import echo, existing_folder
from harness.cli.run import ConfigDir
from harness.machine.process import quiet_libraries

if TYPE_CHECKING:
    pass

app = typer.Typer(help="Corpora: what there is, what is in it, whether it is as its card says.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A data card: its name in configs/data, or of --config-dir.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_cards(config_dir: ConfigDir = None, as_json: AsJson = False) -> None:
    """List the data cards with their languages, labels and licences."""
    from harness.report.render import plain_table
    from harness.workflows.check_data import list_cards as entries_of

    entries, faults = entries_of(existing_folder(config_dir))
    rows = [
        [
            entry["name"],
            f"{entry['languages'][0]} → {' '.join(entry['languages'][1:]) or '-'}",
            " ".join(entry["labels"]),
            entry["license"] + (" (restricted)" if entry["restricted"] else ""),
        ]
        for entry in entries
    ]
    table = plain_table(["card", "languages", "labels", "licence"], rows)
    echo(json.dumps(entries, indent=2, ensure_ascii=False) if as_json else table)
    for fault in faults:
        echo(f"left out: {fault}", err=True)


@app.command("stats")
def stats(name: Name, config_dir: ConfigDir = None, as_json: AsJson = False) -> None:
    """Count sentences, characters and entities of every split of a card, and what its tests can tell apart."""
    quiet_libraries()
    from harness.report.render import plain_table
    from harness.workflows.check_data import corpus_counts, load_card

    data = load_card(name, existing_folder(config_dir))
    objects = [corpus_counts(corpus) for corpus in data.corpora]
    if as_json:
        echo(json.dumps(objects, indent=2, ensure_ascii=False))
        return
    labels = data.config.data.labels
    header = ["split", "sentences", "characters", "entities", "without", *labels, "detects"]
    rows = [
        [entry["split"], str(entry["sentences"]), str(entry["characters"]), str(entry["entities"]),
         str(entry["without_entities"]), *(str(entry["labels"].get(label, 0)) for label in labels),
         f"{100 * entry['smallest_difference']:.1f}" if "smallest_difference" in entry else ""]
        for entry in objects
    ]  # fmt: skip
    echo(plain_table(header, rows))
    echo(
        "detects: the smallest difference of entity F1, in points, between two systems near 80 that this test shows "
        "with power 0.8; seeds and languages add to it (docs/evaluation.md)"
    )
    for entry in objects:
        for reason, count in entry["account"].items():
            echo(f"{entry['split']}: {reason.replace('_', ' ')} {count}")


@app.command("check")
def check(name: Name, config_dir: ConfigDir = None, as_json: AsJson = False) -> None:
    """Read every file of a card; report differences from its expected counts, duplicates and overlaps between splits.

    Exit code 1 where counts differ, or where a test sentence stands in training or development data.
    """
    quiet_libraries()
    from harness.values.errors import HarnessError
    from harness.workflows.check_data import check_card, load_card

    data = load_card(name, existing_folder(config_dir))
    findings = check_card(data)
    if as_json:
        echo(json.dumps(findings.as_object(), indent=2, ensure_ascii=False))
    else:
        for corpus in data.corpora:
            echo(f"{corpus.language}.{corpus.split}: {len(corpus)} sentences, {corpus.entities} entities")
        for text in data.differences:
            echo(f"difference: {text}")
        for same in findings.duplicates:
            echo(f"duplicates: {same.first} repeats {same.sentences} sentences ({same.share:.1%})")
        for same in findings.overlaps:
            echo(f"overlap: {same.sentences} sentences of {same.second} ({same.share:.1%}) also stand in {same.first}")
    if findings.unused_labels:
        echo(f"note: the training data has no entity of {', '.join(findings.unused_labels)}", err=True)
    if findings.faults:
        raise HarnessError(f"{data.config.data.name}: {'; '.join(findings.faults)}")
    echo(f"{data.config.data.name}: as its card says", err=as_json)


@app.command("convert")
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file, or a folder of brat or Parquet files.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="File to write: .jsonl or .conll.")],
    language: Annotated[str, typer.Option("--language", help="BCP-47 tag of the text.")],
    from_format: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--from", help="conll, jsonl, doccano, inline, brat, parquet, arrow; by the ending without it."),
    ] = None,
    to_format: Annotated[Optional[str], typer.Option("--to", help="jsonl or conll; by the ending.")] = None,  # noqa: UP045
    tags: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--tags", help="Names of integer tags, by comma: O,B-PER,I-PER"),
    ] = None,
    token_column: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--token-column", help="conll: column of the token, from 1, negative from the end."),
    ] = None,
    tag_column: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--tag-column", help="conll: column of the tag, or its key in CoNLL-U's MISC column."),
    ] = None,
    files: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--files", help="Of a folder of tables: the files, as 'train-*.parquet'."),
    ] = None,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="JSON without annotations is text, not an error.")
    ] = False,
) -> None:
    """Convert between formats; whatever is repaired, dropped or cannot be expressed is counted."""
    quiet_libraries()
    from harness.config import FileSource
    from harness.config.faults import validated
    from harness.values.languages import normalise_language
    from harness.workflows.check_data import convert_file

    values = {
        "path": str(source.absolute()), "format": from_format, "files": files,
        "tags": tags.split(",") if tags else None, "token_column": token_column, "tag_column": _column(tag_column),
    }  # fmt: skip
    sentences, entities, account = convert_file(
        validated(FileSource, values), target, normalise_language(language), to_format=to_format,
        annotated=not unlabelled,
    )  # fmt: skip
    echo(f"wrote {target}: {sentences} sentences, {entities} entities")
    for reason, count in account.items():
        echo(f"{reason.replace('_', ' ')}: {count}")


def _column(text: str | None) -> int | str | None:
    """Return a column's number, or the key it names."""
    return int(text) if text is not None and re.fullmatch(r"-?[0-9]{1,4}", text) else text
