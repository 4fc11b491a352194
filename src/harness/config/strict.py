"""What all settings share: unknown keys are refused, values are frozen, descriptions are no settings."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

DESCRIBES = "describes"
"""Marks a field that describes and moves no figure: it has no part in what makes two experiments the same."""


Note = Annotated[str, DESCRIBES]
"""A text for people."""


Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Strict(BaseModel):
    """A frozen model that refuses unknown keys; docstrings under fields become their descriptions."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


def resolve_path(path: str, folder: Path) -> Path:
    """Return a card's path, relative ones against ``folder``."""
    resolved = Path(path).expanduser()
    return resolved if resolved.is_absolute() else folder / resolved


def is_url(text: str) -> bool:
    """Return True if a text is an http URL with a host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def is_local(url: str | None) -> bool:
    """Return True if a URL is on this machine."""
    return url is not None and is_url(url) and urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
