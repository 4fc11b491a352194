"""``harness evaluate``: score anybody's predictions. Imports no torch and no mlflow."""

import json
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from harness.cli.console import echo


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate)


def evaluate(
    gold: Annotated[Path, typer.Argument(help="Gold: CoNLL, JSON lines, or another format of data convert.")],
    predicted: Annotated[Path, typer.Argument(help="Predictions for the same sentences.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    missing_as_o: Annotated[
        bool,
        typer.Option("--missing-as-o", help="Score sentences and tokens without a prediction as O, and count them."),
    ] = False,
    from_format: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--from", help="Format of both files, as of data convert; by ending and content without it."),
    ] = None,
    against: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--against", help="A second prediction file: adds a paired permutation test."),
    ] = None,
    bootstrap: Annotated[bool, typer.Option("--bootstrap", help="Add 95 % intervals over sentences.")] = False,
) -> None:
    """Score predictions: entity, span, partial and type F1, error kinds, each label."""
    from harness.workflows.evaluate_files import compare_files, intervals, score_files

    formats = {"gold_format": from_format, "predicted_format": from_format}
    scored = score_files(gold, predicted, missing_as_o=missing_as_o, **formats)
    values = scored.as_json()
    if bootstrap:
        values |= intervals(scored)
    if against is not None:
        values |= compare_files(scored, score_files(gold, against, missing_as_o=missing_as_o, **formats))
    echo(json.dumps(values, ensure_ascii=False) if as_json else _text(values))
    if scored.missing_sentences:
        unit = "tokens" if _has_tokens(gold, predicted) else "characters"
        echo(
            f"scored as O: {scored.missing_tokens} {unit} in {scored.missing_sentences} sentences not fully predicted",
            err=True,
        )
    for note in scored.notes:
        echo(f"note: {note}", err=True)


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
