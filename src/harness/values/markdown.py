"""Text as Markdown shows it letter for letter: names come from anybody's cards and corpora."""

import re
from collections.abc import Sequence

from harness.values.errors import printable


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; cells are text, whatever is in them."""
    lines = ["| " + " | ".join(map(markdown_text, header)) + " |", "|" + "|".join(" --- " for _ in header) + "|"]
    lines += ["| " + " | ".join(map(markdown_text, row)) + " |" for row in rows]
    return "\n".join(lines)


def markdown_text(text: object) -> str:
    """Return a text as Markdown shows it letter for letter: no markup, no HTML, on one line."""
    flat = printable(" ".join(str(text).split()))
    escaped = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = re.sub(r"([\\`*\[\]|])", r"\\\1", escaped)
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", escaped)  # inside a word Markdown leaves it alone
