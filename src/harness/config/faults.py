"""From a pydantic error to one sentence: the dotted key, what was found, what is allowed."""

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.values.errors import ConfigError, listing, nearest, shown

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], values: Any) -> M:
    """Check values against a schema.

    :raises ConfigError: names every fault: the dotted key, what was found, what is allowed.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError("; ".join(_fault(model, detail) for detail in error.errors())) from error


def _fault(model: type[BaseModel], detail: ErrorDetails) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        fields = _fields_at(model, [str(part) for part in detail["loc"][:-1]])
        return f"{key}: no such key{nearest(str(detail['loc'][-1]), fields)}; allowed: {listing(fields, most=40)}"
    if detail["type"] == "missing":
        return f"{key}: missing"
    if detail["type"] == "value_error":
        return f"{key}: {detail['ctx']['error']}" if key else str(detail["ctx"]["error"])
    message = detail["msg"][0].lower() + detail["msg"][1:]
    hint = ""
    if isinstance(detail["input"], bool) and "string" in detail["type"]:
        hint = "; put quotes around a word such as true"
    if key == "seeds" and isinstance(detail["input"], int):
        hint = f"; one seed for everything is seed={detail['input']}"
    return f"{key}: found {shown(detail['input'])}, {message}{hint}"


def _fields_at(model: type[BaseModel], path: Iterable[str]) -> list[str]:
    current: Any = model
    for part in path:
        field = current.model_fields.get(part) if hasattr(current, "model_fields") else None
        if field is None:
            # Inside a dictionary (targets.sv): its values' schema.
            current = next(
                (argument for argument in getattr(current, "__args__", ()) if hasattr(argument, "model_fields")), None
            )
        else:
            current = field.annotation
            if not hasattr(current, "model_fields"):
                inner = [schema for schema in getattr(current, "__args__", ()) if hasattr(schema, "model_fields")]
                current = inner[0] if inner and not str(current).startswith("dict") else current
        if current is None:
            return []
    return list(getattr(current, "model_fields", {}))
