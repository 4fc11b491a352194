"""Writes docs/configuration.md from the schema, so that the reference cannot drift (a test compares them).

Usage: ``python -m harness.config.reference docs/configuration.md``
"""

import sys
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from harness.config.compose import GROUPS, group_options
from harness.config.experiment import Config
from harness.config.sweep import Sweep

_TITLES = {
    "method": "The transfer method, `configs/method`",
    "method.projection": "Projection of entities",
    "translator": "A translator, `configs/translator`",
    "aligner": "An aligner, `configs/aligner`",
    "synthesis": "A prompt and the model that answers it, `configs/synthesis`",
    "synthesis.filters": "Filters of synthetic sentences",
    "trainer": "Training, `configs/trainer`",
    "tracking": "Recording, `configs/tracking`",
    "encoder": "An encoder card, `configs/encoder`",
    "data": "A data card, `configs/data`",
    "data.source": "The source language of a card",
    "data.targets.LANGUAGE": "A target language of a card",
    "data.expected.LANGUAGE.SPLIT": "What a split should hold",
}
"""Headings of sections; the others are told by the docstring of their model."""

_NAMES_OF_KEYS = {"data.targets": "LANGUAGE", "data.expected": "LANGUAGE.SPLIT", "search": "KEY"}
"""What the keys of a table of models are called."""


def reference() -> str:
    """Return the configuration reference as Markdown: every model reachable from a run's or a sweep's schema."""
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
    sections: list[Section] = [("", "Top level", Config), *_nested(Config, "", set())]
    sections += [("", "A sweep file, `sweeps`", Sweep), *_nested(Sweep, "", {model for _, _, model in sections})]
    for prefix, title, model in sections:
        lines += ["", f"## {title}", "", *_table(f"{prefix}." if prefix else "", model)]
    return "\n".join(lines) + "\n"


Section = tuple[str, str, type[BaseModel]]
"""Dotted key, heading and model."""


def _nested(model: type[BaseModel], prefix: str, seen: set[type[BaseModel]]) -> list[Section]:
    """Return the models under a model's keys, each once, in the order of the keys."""
    sections: list[Section] = []
    for name, field in model.model_fields.items():
        if field.exclude:
            continue
        key = f"{prefix}.{name}" if prefix else name
        for inner in _models(field.annotation):
            if inner in seen:
                continue
            seen.add(inner)
            place = f"{key}.{_NAMES_OF_KEYS.get(key, 'KEY')}" if _is_table(field.annotation) else key
            first = (inner.__doc__ or "").strip().partition("\n")[0].rstrip(".")
            sections += [(place, _TITLES.get(place, f"`{place}`: {first[:1].lower()}{first[1:]}"), inner)]
            sections += _nested(inner, place, seen)
    return sections


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that a type holds, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


def _is_table(annotation: Any) -> bool:
    return get_origin(annotation) is dict


def _table(prefix: str, model: type[BaseModel]) -> list[str]:
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        if field.exclude:
            continue
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        rows.append(f"| `{prefix}{name}` | {_type(field)} | {_default(field)} | {meaning} |")
    return rows


def _type(field: FieldInfo) -> str:
    return _name(field.annotation).replace("|", "\\|")


def _name(annotation: Any) -> str:
    if annotation is type(None):
        return "null"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table, see below"
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _name(arguments[0])  # the rest bounds it
    if str(get_origin(annotation)) == "typing.Literal":
        return ", ".join(f"`{choice}`" for choice in arguments)
    if get_origin(annotation) in (tuple, list):
        return f"list of {_name(arguments[0])}"
    if get_origin(annotation) is dict:
        return f"{_name(arguments[0])} → {_name(arguments[1])}"
    if arguments:
        return " or ".join(_name(argument) for argument in arguments)
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true, false"}.get(
        getattr(annotation, "__name__", str(annotation)), str(annotation)
    )


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return ""
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
