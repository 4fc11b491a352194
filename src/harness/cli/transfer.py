"""``harness translate | align | project``: the transfer stages on files of their own."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from harness.cli.console import echo, existing_folder
from harness.cli.run import ConfigDir
from harness.machine.process import quiet_libraries, stop_on_sigterm, use_cores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.config import AlignerCard, TranslatorCard
    from harness.values.records import Sentence
    from harness.workflows.transfer_files import Languages

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
    from harness.transfer.ranking import add_ranked
    from harness.values.errors import DataError, UsageError
    from harness.workflows.transfer_files import (
        Languages,
        cards,
        ranked,
        read_sentences,
        read_targets,
        translate_file,
        translation_scores,
    )

    names = _names(translator, score, "translators", ranking)
    languages = Languages.of(source_language, target_language)
    sentences = read_sentences(source, languages.source, restricted=restricted)
    references = read_targets(score, languages.target, pretokenised=False) if score else ()
    if score and (len(references) != len(sentences) or not sentences):
        raise DataError(
            f"{source} has {len(sentences)} sentences and {score} {len(references)} references; line by line"
        )
    results: dict[str, tuple[list[str], dict[str, int]]] = {}
    scores: dict[str, dict[str, float]] = {}
    for name in names:
        card, _, _ = cards(keys or [], existing_folder(config_dir), translator=name)
        if restricted and card.leaves_machine:
            raise UsageError(f"translator {card.name} sends text to another machine; --restricted forbids it")
        results[name] = translate_file(sentences, card, languages, keep=keep, restricted=restricted)
        if score:
            scores[name] = translation_scores(results[name][0], [one.text for one in references], languages.target)
            if ranking:
                facts = _facts(languages, card, sentences, references)
                add_ranked(ranking, "translator", card.name, "chrf", scores[name]["chrf"], facts)
    best = ranked({name: one["chrf"] for name, one in scores.items()})[0][0] if scores else names[0]
    texts, notes = results[best]
    write_text(output, "".join(f"{text}\n" for text in texts))
    value = {"sentences": len(texts), "translator": best, "notes": notes, "scores": scores}
    _report(value, f"wrote {output}: {len(texts)} translations by {best}", scores, notes, as_json)
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
    ] = "hmm",
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
    from harness.transfer.ranking import add_ranked
    from harness.workflows.transfer_files import (
        Languages,
        align_files,
        alignment_error,
        cards,
        ranked,
        read_pairs,
        read_targets,
        result_store,
        write_priors,
    )

    names = _names(aligner, score, "aligners", ranking)
    languages = Languages.of(source_language, target_language)
    sources = _sources(source, languages.source, pretokenised)
    targets = read_targets(target, languages.target, pretokenised=pretokenised)
    _same_number(source, sources, target, targets)
    more = read_pairs(learn_from, languages) if learn_from else []
    links: dict[str, Any] = {}
    scores: dict[str, dict[str, float]] = {}
    for name in names:
        _, card, _ = cards(keys or [], existing_folder(config_dir), aligner=name)
        if priors:
            write_priors(sources, targets, card, priors)
        links[name], pairs = align_files(sources, targets, card, store=result_store(keep=keep), more=more)
        if score:
            scores[name] = alignment_error(links[name], score, pairs)
            if ranking:
                facts = _facts(languages, card, sources, targets)
                add_ranked(ranking, "aligner", card.name, "1-aer", 1 - scores[name]["aer"], facts)
    best = ranked({name: -one["aer"] for name, one in scores.items()})[0][0] if scores else names[0]
    write_text(output, pharaoh_text(links[best]))
    count = sum(map(len, links[best]))
    value = {"pairs": len(targets), "links": count, "aligner": best, "scores": scores}
    _report(value, f"wrote {output}: {count} links of {len(targets)} pairs by {best}", scores, {}, as_json)
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
    ] = "hmm",
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
    from harness.transfer.projection.spans import fate_counts
    from harness.transfer.ranking import add_ranked
    from harness.values.errors import UsageError
    from harness.values.interchange import as_lines
    from harness.workflows.transfer_files import (
        Languages,
        alignment_error,
        cards,
        project_files,
        projection_scores,
        ranked,
        read_gold,
        read_pairs,
        read_sentences,
        read_targets,
        result_store,
    )

    overrides = list(keys or [])
    if alignments:
        aligner = "links"
        overrides.append(f"aligner.path={alignments.expanduser().absolute()}")
    names = _names(aligner, score or score_links, "aligners", ranking)
    languages = Languages.of(source_language, target_language)
    sources = read_sentences(source, languages.source)
    targets = read_targets(target, languages.target, pretokenised=pretokenised)
    _same_number(source, sources, target, targets)
    golden = read_gold(score, targets, languages.target) if score else ()
    more = read_pairs(learn_from, languages) if learn_from else []
    results: dict[str, Any] = {}
    scores: dict[str, dict[str, float]] = {}
    for name in names:
        _, card, rules = cards(overrides, existing_folder(config_dir), aligner=name)
        if rules.lost == "drop":
            raise UsageError(
                "method.projection.lost=drop: harness project writes one line a pair; use mask or keep here"
            )
        results[name] = project_files(sources, targets, card, rules, store=result_store(keep=keep), more=more)
        projected, _, links, pairs = results[name]
        found: dict[str, float] = {}
        if score:
            found |= projection_scores(projected, golden)
        if score_links:
            found |= alignment_error(links, score_links, pairs)
        if found:
            scores[name] = found
        if found and ranking:
            measure, goodness = ("span_f1", found["span_f1"]) if score else ("1-aer", 1 - found["aer"])
            add_ranked(ranking, "aligner", card.name, measure, goodness, _facts(languages, card, sources, targets))
    order = {name: one["span_f1"] if score else -one["aer"] for name, one in scores.items()}
    best = ranked(order)[0][0] if order else names[0]
    projected, account, _, _ = results[best]
    write_text(output, as_lines(projected))
    counts = fate_counts(account) | {"sentences_with_unknown_regions": sum(bool(one.unknown) for one in projected)}
    value = {"pairs": len(projected), "aligner": best, "projection": counts, "scores": scores}
    line = f"wrote {output}: {counts['projected']} of {counts['source']} entities projected by {best}"
    notes = {name: number for name, number in counts.items() if "/" not in name or name.startswith("dropped/")}
    _report(value, line, scores, notes, as_json)
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


def _names(text: str, score: Path | None, what: str, ranking: Path | None) -> list[str]:
    from harness.values.errors import UsageError

    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or (len(names) > 1 and score is None):
        raise UsageError(f"{text!r}: several {what} are compared by --score; give it, or name one")
    if ranking and score is None:
        raise UsageError("--ranking keeps scores; give --score as well")
    return names


def _sources(path: Path, language: str, pretokenised: bool) -> "Sequence[Sentence]":
    from harness.workflows.transfer_files import read_sentences, read_targets

    if path.suffix == ".txt" and pretokenised:
        return read_targets(path, language, pretokenised=True)
    return read_sentences(path, language)


def _same_number(first: Path, one: "Sequence[Sentence]", second: Path, other: "Sequence[Sentence]") -> None:
    from harness.values.errors import DataError

    if len(one) != len(other):
        raise DataError(
            f"{first} has {len(one)} sentences and {second} {len(other)} lines; line N must be the translation of "
            "sentence N (keep a blank line where there is none)"
        )


def _facts(
    languages: "Languages", card: "TranslatorCard | AlignerCard", *sides: "Sequence[Sentence]"
) -> dict[str, Any]:
    from harness.transfer.ranking import card_digest
    from harness.workflows.transfer_files import data_digest

    return {
        "pair": languages.pair,
        "pairs": len(sides[0]),
        "digest": data_digest(*sides),
        "settings": card_digest(card),
    }


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
            [name, *(f"{one[m]:.0f}" if m.endswith("_entities") else f"{100 * one[m]:.2f}" for m in measures)]
            for name, one in scores.items()
        ]
        echo(plain_table(["", *(m.replace("_", " ") for m in measures)], rows), err=as_json)
    if as_json:
        echo(json.dumps(value, ensure_ascii=False, sort_keys=True))
