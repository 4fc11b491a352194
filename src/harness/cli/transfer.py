"""``harness translate | align | project``: the transfer stages on files of their own."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from harness.cli.console import echo, existing_folder
from harness.cli.run import ConfigDir
from harness.machine.process import quiet_libraries, stop_on_sigterm, use_cores

if TYPE_CHECKING:
    pass

Keys = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Argument(metavar="[KEY=VALUE …]", help="Keys of the cards: translator.path=…, aligner.layer=6 …"),
]
SourceLanguage = Annotated[str, typer.Option("--source-language", help="BCP-47 tag of the source.")]
TargetLanguage = Annotated[str, typer.Option("--target-language", help="BCP-47 tag of the target.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="File to write.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Ranking = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--ranking", help="Add the scores to this file, which translator.ranking or aligner.ranking names."),
]
Pretokenised = Annotated[bool, typer.Option("--pretokenised", help="Tokens stand between blanks and are kept.")]
LearnFrom = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--learn-from", help="Further pairs for a statistical aligner: SOURCE<tab>TARGET lines."),
]


Keep = Annotated[
    bool,
    typer.Option("--keep", help="Keep the results in the shared cache, for later commands, and take them from it."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("translate")(translate)
    app.command("align")(align)
    app.command("project")(project)


def translate(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Text lines (.txt), CoNLL or JSON lines.")],
    output: Output,
    source_language: SourceLanguage,
    target_language: TargetLanguage,
    keys: Keys = None,
    translator: Annotated[
        str, typer.Option("--translator", help="A card of configs/translator; several by comma to compare them.")
    ] = "apertium",
    score: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--score", help="Reference translations, one a line: chrF and BLEU."),
    ] = None,
    ranking: Ranking = None,
    restricted: Annotated[
        bool, typer.Option("--restricted", help="Put nothing on the disk but OUT, and send nothing to another machine.")
    ] = False,
    keep: Keep = False,
    config_dir: ConfigDir = None,
    as_json: AsJson = False,
) -> None:
    """Translate a file, one translation a line. A killed translation goes on where it was.

    With --score and several translators, the best by chrF is written. What is stored besides OUT is said at the end.
    """
    _start(output)
    from harness.machine.files import write_text
    from harness.workflows.candidates import Languages, chosen
    from harness.workflows.transfer_files import translate_file

    choice = chosen(
        translator, scored=score is not None, what="translators", ranking=ranking, overrides=tuple(keys or []),
        config_dir=existing_folder(config_dir), keep=keep, restricted=restricted,
    )  # fmt: skip
    compared = translate_file(source, Languages.of(source_language, target_language), choice, score)
    texts, notes = compared.result
    write_text(output, "".join(f"{text}\n" for text in texts))
    value = {"sentences": len(texts), "translator": compared.best, "notes": notes, "scores": compared.scores}
    line = f"wrote {output}: {len(texts)} translations by {compared.best}"
    _report(value, line, compared.scores, notes, as_json)
    _say_what_is_kept("texts and translations" if keep and not restricted else "", "translations.sqlite")


def align(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Text lines, CoNLL or JSON lines.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="One translation a line.")],
    output: Output,
    source_language: SourceLanguage,
    target_language: TargetLanguage,
    keys: Keys = None,
    aligner: Annotated[
        str, typer.Option("--aligner", help="A card of configs/aligner; several by comma to compare them.")
    ] = "joint",
    score: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--score", help="Gold links (i-j sure, ipj possible): alignment error rate."),
    ] = None,
    priors: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--write-priors", help="Write eflomal's priors, for aligner.priors of runs on small corpora."),
    ] = None,
    pretokenised: Pretokenised = False,
    learn_from: LearnFrom = None,
    ranking: Ranking = None,
    keep: Keep = False,
    config_dir: ConfigDir = None,
    as_json: AsJson = False,
) -> None:
    """Align words: one line a pair, i-j (source-target, from 0)."""
    _start(output)
    from harness.machine.files import write_text
    from harness.transfer.align.file import pharaoh_text
    from harness.workflows.candidates import Languages, chosen
    from harness.workflows.transfer_files import align_files, read_pair_files

    choice = chosen(
        aligner, scored=score is not None, what="aligners", ranking=ranking, overrides=tuple(keys or []),
        config_dir=existing_folder(config_dir), keep=keep,
    )  # fmt: skip
    languages = Languages.of(source_language, target_language)
    files = read_pair_files(source, target, languages, pretokenised=pretokenised, learn_from=learn_from, labelled=False)
    compared = align_files(files, languages, choice, gold=score, priors=priors)
    write_text(output, pharaoh_text(compared.result))
    count = sum(map(len, compared.result))
    value = {"pairs": len(files.targets), "links": count, "aligner": compared.best, "scores": compared.scores}
    line = f"wrote {output}: {count} links of {len(files.targets)} pairs by {compared.best}"
    _report(value, line, compared.scores, {}, as_json)
    _say_what_is_kept("links, which are numbers and no text," if keep else "", "alignments*")


def project(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Labelled sentences: CoNLL or JSON lines.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="One translation a line.")],
    output: Output,
    source_language: SourceLanguage,
    target_language: TargetLanguage,
    keys: Keys = None,
    aligner: Annotated[
        str, typer.Option("--aligner", help="A card of configs/aligner; several by comma to compare them.")
    ] = "joint",
    alignments: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--alignments", help="Links you already have (i-j lines), instead of an aligner."),
    ] = None,
    score: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--score", help="Manual gold on the target text: entity and span F1."),
    ] = None,
    score_links: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--score-links", help="Gold links (i-j sure, ipj possible): adds the alignment error rate."),
    ] = None,
    pretokenised: Pretokenised = False,
    learn_from: LearnFrom = None,
    ranking: Ranking = None,
    keep: Keep = False,
    config_dir: ConfigDir = None,
    as_json: AsJson = False,
) -> None:
    """Project entities onto a translation: one JSON line a pair, in order. The aligner learns from all pairs given."""
    _start(output)
    from harness.machine.files import write_text
    from harness.values.interchange import as_lines
    from harness.workflows.candidates import Languages, chosen
    from harness.workflows.transfer_files import project_files, read_pair_files

    overrides = list(keys or [])
    if alignments:
        aligner = "links"
        overrides.append(f"aligner.path={alignments.expanduser().absolute()}")
    choice = chosen(
        aligner, scored=bool(score or score_links), what="aligners", ranking=ranking, overrides=tuple(overrides),
        config_dir=existing_folder(config_dir), keep=keep,
    )  # fmt: skip
    languages = Languages.of(source_language, target_language)
    files = read_pair_files(source, target, languages, pretokenised=pretokenised, learn_from=learn_from, labelled=True)
    compared = project_files(files, languages, choice, gold=score, gold_links=score_links)
    projected, counts = compared.result, compared.result.counts
    write_text(output, as_lines(projected.sentences))
    value = {
        "pairs": len(projected.sentences), "aligner": compared.best, "projection": counts, "scores": compared.scores,
    }  # fmt: skip
    line = f"wrote {output}: {counts['projected']} of {counts['source']} entities projected by {compared.best}"
    notes = {name: number for name, number in counts.items() if "/" not in name or name.startswith("dropped/")}
    _report(value, line, compared.scores, notes, as_json)
    _say_what_is_kept("links, which are numbers and no text," if keep else "", "alignments*")


def _say_what_is_kept(what: str, name: str) -> None:
    """Say what stays on this machine besides the output."""
    from harness.machine.store import cache_folder

    kept = f"{what} are kept in {cache_folder() / name}" if what else "nothing else is kept (--keep keeps it for later)"
    echo(kept, err=True)


def _start(output: Path) -> None:
    from harness.values.errors import UsageError

    if output.is_dir():  # told before the work, not after it
        raise UsageError(f"--output {output}: it is a folder; name a file")
    use_cores()
    quiet_libraries()
    stop_on_sigterm()  # programs that were started end with this one


def _report(
    value: dict[str, Any], line: str, scores: dict[str, dict[str, float]], notes: dict[str, int], as_json: bool
) -> None:
    from harness.report.render import plain_table

    echo(line, err=as_json)
    for name, number in notes.items():
        echo(f"  {name.replace('_', ' ')}: {number}", err=as_json)
    if scores:
        measures = list(next(iter(scores.values())))
        rows = [
            [name, *(f"{score[m]:.0f}" if m.endswith("_entities") else f"{100 * score[m]:.2f}" for m in measures)]
            for name, score in scores.items()
        ]
        echo(plain_table(["", *(m.replace("_", " ") for m in measures)], rows), err=as_json)
    if as_json:
        echo(json.dumps(value, ensure_ascii=False, sort_keys=True))
