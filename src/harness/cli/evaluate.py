"""``harness evaluate``: score anybody's predictions. Imports no torch and no mlflow."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from harness.cli.console import echo

if TYPE_CHECKING:
    from harness.workflows.evaluate_files import Scored

Gold = Annotated[
    str,
    typer.Argument(metavar="GOLD|RUN_ID", help="Gold: CoNLL, JSON lines, or another format of data convert. Or a run."),
]
Predicted = Annotated[
    Optional[list[Path]],  # noqa: UP045
    typer.Argument(
        metavar="[PREDICTED …]", help="Predictions for the same sentences, a file for each seed; a run has counts."
    ),
]
Against = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--against", help="A second system's file, once for each seed, or a run: tests the difference."),
]
ONE_FILE = (
    "one file a system: the test is over sentences, and two seeds of one setting often differ by as much; "
    "give a file for each seed"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate)


def evaluate(
    gold: Gold,
    predicted: Predicted = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    missing_as_o: Annotated[
        bool,
        typer.Option("--missing-as-o", help="Score sentences and tokens without a prediction as O, and count them."),
    ] = False,
    from_format: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--from", help="Format of both files, as of data convert; by ending and content without it."),
    ] = None,
    against: Against = None,
    bootstrap: Annotated[bool, typer.Option("--bootstrap", help="Add 95 % intervals over sentences.")] = False,
    tracking: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--tracking-uri", help="MLflow store of the runs; as tracking.uri in a run."),
    ] = None,
) -> None:
    """Score predictions: entity, span, partial and type F1, error kinds, each label. Or test two runs."""
    from harness.workflows.evaluate_files import compare_files, intervals, score_files

    if not predicted:
        _compare_runs(gold, against, tracking, as_json=as_json)
        return
    gold_file = Path(gold)
    score = partial(
        score_files, gold_file, missing_as_o=missing_as_o, gold_format=from_format, predicted_format=from_format
    )
    others = [score(Path(file)) for file in against or ()]
    scored = score(predicted[0])
    if len(predicted) > 1 or len(others) > 1:
        _compare_systems([scored, *(score(file) for file in predicted[1:])], others, as_json=as_json)
        return
    values = scored.as_json()
    if bootstrap:
        values |= intervals(scored)
    if others:
        values |= compare_files(scored, others[0])
    echo(json.dumps(values, ensure_ascii=False) if as_json else _text(values))
    if others:
        echo(f"note: {ONE_FILE}", err=True)
    if scored.missing_sentences:
        unit = "tokens" if _has_tokens(gold_file, predicted[0]) else "characters"
        echo(
            f"scored as O: {scored.missing_tokens} {unit} in {scored.missing_sentences} sentences not fully predicted",
            err=True,
        )
    for note in scored.notes:
        echo(f"note: {note}", err=True)


def _compare_systems(first: "list[Scored]", second: "list[Scored]", *, as_json: bool) -> None:
    """Print the means of systems over their files, and how far the first is above the second."""
    from harness.report.render import plain_table
    from harness.workflows.evaluate_systems import MEASURES, as_object, compare_systems, system_values

    systems = [system_values(files) for files in (first, second) if files]
    found = compare_systems(first, second) if second else {}
    if as_json:
        differences = {name: as_object(one) for name, one in found.items()}
        echo(json.dumps({"systems": systems, **({"differences": differences} if found else {})}, ensure_ascii=False))
        return
    rows = []
    for name in MEASURES:
        row = [name]
        for values in systems:
            deviation = f" ±{100 * values[f'{name}_sd']:.1f}" if f"{name}_sd" in values else ""
            row.append(f"{100 * values[name]:.1f}{deviation}")
        if name in found:
            one = found[name]
            interval = f"[{100 * one.interval.low:.1f}, {100 * one.interval.high:.1f}]"
            row += [f"{100 * one.value:+.1f} {interval}", f"{one.p_value:.4f}", one.verdict]
        rows.append(row)
    titles = [f"{values['files']} files" for values in systems]
    echo(plain_table(["measure", *titles, *(["difference [95 %]", "p", "verdict"] if found else [])], rows))
    if found:
        covered = ", ".join(found["entity_f1"].covers)
        echo(f"note: intervals cover {covered}; a verdict needs two files of each system", err=True)


def _compare_runs(first: str, others: list[str] | None, tracking: str | None, *, as_json: bool) -> None:
    """Print how two runs differ on the test sets they share, from their counts per sentence."""
    from harness.values.errors import UsageError

    second = others[0] if others and len(others) == 1 else None
    if second is None or Path(first).exists():
        raise UsageError(
            f"{first}: give the predictions to score as well, or two runs: harness evaluate RUN_ID --against RUN_ID"
        )
    from harness.machine.process import quiet_libraries

    quiet_libraries()
    from harness.report.render import plain_table
    from harness.tracking.store import Store, existing_store
    from harness.workflows.choose import choose_run
    from harness.workflows.evaluate_runs import compare_runs

    store = Store(existing_store(tracking))
    runs = [choose_run(store, name, None).record for name in (first, second)]
    tested = compare_runs(store, runs[0], runs[1], split="test")
    if as_json:
        echo(json.dumps([one.as_object() for one in tested], ensure_ascii=False))
        return
    rows = [
        [one.name, str(one.sentences), name, *(f"{100 * value:.2f}" for value in values[:3]), f"{values[3]:.4f}"]
        for one in tested
        for name, values in one.scores.items()
    ]
    echo(plain_table(["test", "sentences", "measure", runs[0].run_id[:8], runs[1].run_id[:8], "difference", "p"], rows))
    echo("p: over sentences; two seeds of one setting often differ by as much (docs/evaluation.md)", err=True)


def _has_tokens(gold: Path, predicted: Path) -> bool:
    from harness.workflows.evaluate_files import file_format

    return file_format(gold) == file_format(predicted) == "conll"


def _text(values: dict[str, Any]) -> str:
    from harness.report.render import plain_table

    shown = [
        "entity_f1", "entity_precision", "entity_recall", "span_f1", "span_accuracy",
        "label_accuracy", "partial_f1", "type_f1", "entity_macro_f1",
    ]  # fmt: skip
    rows = [[name, f"{100 * values[name]:.2f}"] for name in shown]
    for name in ("entity_f1", "span_f1"):
        if f"{name}_interval" in values:
            low, high = values[f"{name}_interval"]
            rows.append([f"{name} 95 %", f"{100 * low:.2f} – {100 * high:.2f}"])
        if f"{name}_p_value" in values:
            rows.append(
                [
                    f"{name} difference",
                    f"{100 * values[f'{name}_difference']:+.2f} (p = {values[f'{name}_p_value']:.4f})",
                ]
            )
    rows += [[name, f"{values[name]:.0f}"] for name in values if name.startswith("errors_")]
    rows += [[name, f"{values[name]:.0f}"] for name in ("gold_entities", "predicted_entities", "sentences")]
    labels = [
        [
            label,
            *(f"{100 * values[f'{label}/{name}']:.2f}" for name in ("entity_precision", "entity_recall", "entity_f1")),
        ]
        for label in values["labels"]
    ]
    table = plain_table(["measure", ""], rows)
    return table + ("\n\n" + plain_table(["label", "precision", "recall", "F1"], labels) if labels else "")
