"""Writes docs/configuration.md from the schema, so that the reference cannot drift (a test compares them).

Usage: ``python -m harness.config.reference docs/configuration.md``
"""

import sys
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from harness.config.compose import GROUPS, group_options
from harness.config.data import DataCard, ExpectedCounts, FileSource, LanguageFiles, SourceFiles
from harness.config.encoder import EncoderCard
from harness.config.experiment import Config, TrackingConfig
from harness.config.method import MethodConfig
from harness.config.training import TrainerConfig
from harness.config.transfer import AlignerCard, ProjectionCard, TranslatorCard

_SECTIONS: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("method", "The transfer method, `configs/method`", MethodConfig),
    ("method.projection", "Projection of entities", ProjectionCard),
    ("translator", "A translator, `configs/translator`", TranslatorCard),
    ("aligner", "An aligner, `configs/aligner`", AlignerCard),
    ("trainer", "Training, `configs/trainer`", TrainerConfig),
    ("tracking", "Recording, `configs/tracking`", TrackingConfig),
    ("encoder", "An encoder card, `configs/encoder`", EncoderCard),
    ("data", "A data card, `configs/data`", DataCard),
    ("data.source", "The source language of a card", SourceFiles),
    ("data.targets.LANGUAGE", "A target language of a card", LanguageFiles),
    ("data.….SPLIT", "One split of a language", FileSource),
    ("data.expected.LANGUAGE.SPLIT", "What a split should hold", ExpectedCounts),
)


def reference() -> str:
    """Return the configuration reference as Markdown."""
    lines = [
        "# Configuration",
        "",
        "Generated from the schema by `make docs`; do not edit. `GROUP=CHOICE` takes a preset of a group,",
        "`KEY=VALUE` sets a key: `harness run encoder=xlmr-base method=synthetic method.ratio=0.2 seed=3`.",
        "`--config-dir DIR` adds your own choices: `DIR/data/NAME.yaml`, `DIR/encoder/NAME.yaml` and so on.",
        "",
        "## Groups",
        "",
        "| group | choices |",
        "| --- | --- |",
    ]
    lines += [f"| `{group}` | {', '.join(f'`{name}`' for name in group_options(group))} |" for group in GROUPS]
    lines += ["", "## Top level", "", *_table("", Config, skip=set(GROUPS) | {"data_folder"})]
    for prefix, title, model in _SECTIONS:
        nested = set() if model is MethodConfig else {"source", "targets", "expected"}
        lines += ["", f"## {title}", "", *_table(f"{prefix}.", model, skip=nested)]
    return "\n".join(lines) + "\n"


def _table(prefix: str, model: type[BaseModel], *, skip: set[str]) -> list[str]:
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        if name in skip or _is_model(field.annotation):
            continue
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        rows.append(f"| `{prefix}{name}` | {_type(field)} | {_default(field)} | {meaning} |")
    return rows


def _is_model(annotation: Any) -> bool:
    return any(isinstance(one, type) and issubclass(one, BaseModel) for one in (annotation, *get_args(annotation)))


def _type(field: FieldInfo) -> str:
    return _name(field.annotation).replace("|", "\\|")


def _name(annotation: Any) -> str:
    if annotation is type(None):
        return "null"
    arguments = get_args(annotation)
    if str(get_origin(annotation)) == "typing.Literal":
        return ", ".join(f"`{choice}`" for choice in arguments)
    if get_origin(annotation) in (tuple, list):
        return f"list of {_name(arguments[0])}"
    if get_origin(annotation) is dict:
        return f"{_name(arguments[0])} → {_name(arguments[1])}"
    if arguments:
        return " or ".join(_name(one) for one in arguments)
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true, false"}.get(
        getattr(annotation, "__name__", str(annotation)), str(annotation)
    )


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
