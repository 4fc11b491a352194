"""``harness data list | stats | check | convert``."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from harness.cli.console import echo, existing_folder
from harness.cli.run import ConfigDir
from harness.machine.process import quiet_libraries

if TYPE_CHECKING:
    from harness.config import Config
    from harness.values.records import Corpus

app = typer.Typer(help="Corpora: what there is, what is in it, whether it is as its card says.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A data card: its name in configs/data, or of --config-dir.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_cards(config_dir: ConfigDir = None, as_json: AsJson = False) -> None:
    """List the data cards with their languages, labels and licences."""
    from harness.config import group_options
    from harness.config.yaml_files import load_mapping
    from harness.report.render import plain_table
    from harness.values.errors import ConfigError

    rows, objects, faults = [], [], []
    for name, path in sorted(group_options("data", existing_folder(config_dir)).items()):
        try:
            card = load_mapping(path, "a mapping with name, labels, source …")
        except ConfigError as error:  # one bad card must not hide the others
            faults.append(str(error))
            continue
        source, targets = _mapping(card.get("source")), _mapping(card.get("targets"))
        labels = card.get("labels") or []
        entry: dict[str, Any] = {
            "name": name,
            "languages": [str(source.get("language", "")), *map(str, targets)],
            "labels": [str(label) for label in labels] if isinstance(labels, list) else [str(labels)],
            "license": str(card.get("license", "unknown")), "restricted": bool(card.get("restricted")),
            "citation": str(card.get("citation", "")),
        }  # fmt: skip
        objects.append(entry)
        languages = f"{entry['languages'][0]} → {' '.join(entry['languages'][1:]) or '-'}"
        rows.append(
            [
                name,
                languages,
                " ".join(entry["labels"]),
                entry["license"] + (" (restricted)" if entry["restricted"] else ""),
            ]
        )
    echo(
        json.dumps(objects, indent=2, ensure_ascii=False)
        if as_json
        else plain_table(["card", "languages", "labels", "licence"], rows)
    )
    for fault in faults:
        echo(f"left out: {fault}", err=True)


def _mapping(value: object) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _load(name: str, config_dir: Path | None) -> "tuple[Config, list[Corpus], list[str]]":
    """Return the card's configuration, all its labelled corpora, and the differences from its expected counts."""
    from harness.config import compose_config
    from harness.corpora.catalogue import load_corpora

    config = compose_config([f"data={name}"], existing_folder(config_dir))
    wanted = [
        (language, split)
        for language in config.data.languages
        for split, _ in config.data.language_files(language).files()
    ]
    if not wanted:
        from harness.values.errors import DataError

        raise DataError(f"{config.data.name} names no files; add them with data.source.train.path=… and so on")
    catalogue = load_corpora(config.data, config.data_folder or Path.cwd(), wanted)
    return config, list(catalogue.corpora.values()), [str(difference) for difference in catalogue.differences]


@app.command("stats")
def stats(name: Name, config_dir: ConfigDir = None, as_json: AsJson = False) -> None:
    """Count sentences, characters and entities of every split of a card."""
    quiet_libraries()
    from harness.report.render import plain_table

    config, corpora, _ = _load(name, config_dir)
    objects = [_counts(corpus) for corpus in corpora]
    if as_json:
        echo(json.dumps(objects, indent=2, ensure_ascii=False))
        return
    labels = config.data.labels
    header = ["split", "sentences", "characters", "entities", "without", *labels]
    rows = [
        [entry["split"], str(entry["sentences"]), str(entry["characters"]), str(entry["entities"]),
         str(entry["without_entities"]), *(str(entry["labels"].get(label, 0)) for label in labels)]
        for entry in objects
    ]  # fmt: skip
    echo(plain_table(header, rows))
    for entry in objects:
        for reason, count in entry["account"].items():
            echo(f"{entry['split']}: {reason.replace('_', ' ')} {count}")


def _counts(corpus: "Corpus") -> dict[str, Any]:
    return {
        "split": f"{corpus.language}.{corpus.split}",
        "sentences": len(corpus),
        "characters": sum(len(sentence.text) for sentence in corpus.sentences),
        "entities": corpus.entities,
        "without_entities": sum(not sentence.spans for sentence in corpus.sentences),
        "labels": dict(corpus.label_counts),
        "account": dict(corpus.account),
        "digest": corpus.digest,
    }


@app.command("check")
def check(name: Name, config_dir: ConfigDir = None, as_json: AsJson = False) -> None:
    """Read every file of a card; report differences from its expected counts, duplicates and overlaps between splits.

    Exit code 1 where counts differ, or where a test sentence stands in training or development data.
    """
    quiet_libraries()
    from harness.corpora.splits import duplicates, overlaps
    from harness.values.errors import HarnessError

    config, corpora, differences = _load(name, config_dir)
    labelled = [corpus for corpus in corpora if not corpus.split.startswith("translated")]
    repeated = [found for found in (duplicates(corpus) for corpus in labelled) if found]
    shared = overlaps(labelled)
    leaks = [
        one
        for one in shared
        if {_split(one.first), _split(one.second)} & {"test"} and _split(one.first) != _split(one.second)
    ]
    if as_json:
        from dataclasses import asdict

        value = {"card": config.data.name, "differences": differences, "duplicates": [asdict(one) for one in repeated],
                 "overlaps": [asdict(one) for one in shared]}  # fmt: skip
        echo(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        for corpus in corpora:
            echo(f"{corpus.language}.{corpus.split}: {len(corpus)} sentences, {corpus.entities} entities")
        for text in differences:
            echo(f"difference: {text}")
        for one in repeated:
            echo(f"duplicates: {one.first} repeats {one.sentences} sentences ({one.share:.1%})")
        for one in shared:
            echo(f"overlap: {one.sentences} sentences of {one.second} ({one.share:.1%}) also stand in {one.first}")
    faults = [f"{len(differences)} counts differ from the card"] if differences else []
    faults += [f"{sum(leak.sentences for leak in leaks)} test sentences stand in another split"] if leaks else []
    if faults:
        raise HarnessError(f"{config.data.name}: {'; '.join(faults)}")
    echo(f"{config.data.name}: as its card says", err=as_json)


def _split(name: str) -> str:
    return name.partition(".")[2]


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
    from harness.corpora.catalogue import read_source
    from harness.corpora.conll_writer import WRITERS, conll_text
    from harness.machine.files import write_text
    from harness.values.errors import UsageError, listing
    from harness.values.interchange import as_lines
    from harness.values.languages import normalise_language

    wanted = to_format or target.suffix.lstrip(".")
    if wanted not in WRITERS:
        raise UsageError(f"{target}: format {wanted!r} cannot be written; allowed: {listing(WRITERS)} (give --to)")
    values = {
        "path": str(source.absolute()), "format": from_format, "files": files,
        "tags": tags.split(",") if tags else None, "token_column": token_column, "tag_column": _column(tag_column),
    }  # fmt: skip
    file = validated(FileSource, values)
    reading = read_source(file, normalise_language(language), Path.cwd(), annotated=not unlabelled)
    account = dict(reading.account)
    if wanted == "jsonl":
        text = as_lines(reading.sentences)
    else:
        text, lost = conll_text(reading.sentences)
        account |= lost
    write_text(target, text)
    entities = sum(len(sentence.spans) for sentence in reading.sentences)
    echo(f"wrote {target}: {len(reading.sentences)} sentences, {entities} entities")
    for reason, count in account.items():
        echo(f"{reason.replace('_', ' ')}: {count}")


def _column(text: str | None) -> int | str | None:
    """Return a column's number, or the key it names."""
    return int(text) if text is not None and re.fullmatch(r"-?[0-9]{1,4}", text) else text
