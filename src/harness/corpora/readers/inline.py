"""Inline tags: ``Take <DOSAGE>1</DOSAGE> <FORM>tablet</FORM>.``, one sentence a line, no nesting.

A tag is an angle bracket around a name that begins with a letter; any other ``<`` is text (``< 5 mg``). Other
spellings are read and counted: lower case, blanks inside the brackets, square brackets (``[DRUG]…[/DRUG]``), a type
as an attribute (``<ENAMEX TYPE="PERSON">``). A name that is not in capitals counts as a tag only where its closing
tag follows, and never if it is one of HTML's; such brackets stay text, and are counted.
"""

import re
from collections import Counter
from pathlib import Path

from harness.corpora.readers.reading import Reading, clean_spans, clean_text, text_lines
from harness.errors import DataError, shown
from harness.records import Sentence, Span

_NAME = r"[A-Za-z][A-Za-z0-9_.-]*"
_ATTRIBUTE = r"(?:\s+[A-Za-z_]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))*"
_TAG = re.compile(
    rf"<(?P<close>\s*/)?\s*(?P<name>{_NAME})(?P<attributes>{_ATTRIBUTE})\s*>"
    rf"|\[(?P<close2>\s*/)?\s*(?P<name2>{_NAME})\s*\]"
)
_TYPE = re.compile(r"\s(?:type|label|class|entity)\s*=\s*[\"']?([^\"'<>\s]+)", re.IGNORECASE)
_PLAIN = re.compile(r"</?[A-Z][A-Z0-9_-]*>")
"""The spelling of the format."""

_HTML = frozenset({
    "a", "abbr", "b", "big", "br", "code", "div", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
    "li", "mark", "ol", "p", "pre", "s", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td",
    "th", "thead", "tr", "tt", "u", "ul",
})  # fmt: skip


def parse_inline(line: str, where: str, account: Counter[str] | None = None) -> tuple[str, list[Span]]:
    """Split a tagged line into its text and its spans.

    :param account: counts other spellings, and brackets that stay text.
    :raises DataError: a tag is nested, unclosed, or closed under another name.
    """
    account = Counter() if account is None else account
    text = ""
    spans: list[Span] = []
    open_name, open_label, open_start, position = "", "", 0, 0
    for match in _TAG.finditer(line):
        name, closing = match["name"] or match["name2"], bool(match["close"] or match["close2"])
        if not _is_tag(match, name, line):
            account["brackets_kept_as_text"] += match["name"] is not None
            continue
        account["inline_tags_in_other_spellings"] += not _PLAIN.fullmatch(match[0])
        text += line[position : match.start()]
        position = match.end()
        if closing and name.casefold() != open_name.casefold():
            expected = f"</{open_name}>" if open_name else "no tag"
            raise DataError(f"{where}: found </{shown(name)[1:-1]}> where {expected} is open")
        if closing:
            spans.append(Span(open_start, len(text), open_label))
            open_name = ""
        elif open_name:
            raise DataError(f"{where}: <{shown(name)[1:-1]}> inside <{open_name}>; nested entities are not supported")
        else:
            kind = _TYPE.search(match["attributes"] or "")
            open_name, open_label, open_start = name, kind[1] if kind else name, len(text)
    if open_name:
        raise DataError(f"{where}: <{shown(open_name)[1:-1]}> is never closed")
    return text + line[position:], spans


def _is_tag(match: re.Match[str], name: str, line: str) -> bool:
    """Tell a tag from text: capitals in angle brackets always are one, another spelling only with its partner."""
    if _PLAIN.fullmatch(match[0]):
        return True
    if name.casefold() in _HTML:
        return False
    opening, closing = ("<", ">") if match["name"] else (r"\[", r"\]")
    escaped = re.escape(name)
    opens = re.search(rf"{opening}\s*{escaped}{_ATTRIBUTE}\s*{closing}", line, re.IGNORECASE)
    closes = re.search(rf"{opening}\s*/\s*{escaped}\s*{closing}", line, re.IGNORECASE)
    return opens is not None and closes is not None


def read_inline(path: Path, language: str) -> Reading:
    """Read inline-tagged lines; blank lines are passed over and counted."""
    account: Counter[str] = Counter()
    sentences = []
    for number, line in enumerate(text_lines(path, account), 1):
        if not line.strip():
            account["blank_lines"] += 1
            continue
        where = f"{path}:{number}"
        text, spans = parse_inline(clean_text(line, account), where, account)
        sentences.append(Sentence(str(number), text, language, clean_spans(text, spans, account, where)))
    return Reading(tuple(sentences), +account)
