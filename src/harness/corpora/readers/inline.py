"""Inline tags: ``Take <DOSAGE>1</DOSAGE> <FORM>tablet</FORM>.``, one sentence a line, no nesting.

A tag is an angle bracket around a name that begins with a letter; any other ``<`` is text (``< 5 mg``). Other
spellings are read and counted: lower case, blanks inside the brackets, square brackets (``[DRUG]…[/DRUG]``), a type
as an attribute (``<ENAMEX TYPE="PERSON">``). A name that is not in capitals counts as a tag only where its closing
tag follows, and never if it is one of HTML's; such brackets stay text, and are counted.
"""

import re
from pathlib import Path

from harness.corpora.readers.text import Reading, clean_spans, clean_text, text_lines
from harness.machine.process import collector_paused
from harness.values.account import Account
from harness.values.errors import DataError, shown
from harness.values.inline import Mark, MarkFault, take_out
from harness.values.records import Sentence, Span

_NAME = r"[^\W\d_][\w.:-]*"
_ATTRIBUTE = r"(?:\s+[A-Za-z_]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))*"
_TAG = re.compile(
    rf"<(?P<close>\s*/)?\s*(?P<name>{_NAME})(?P<attributes>{_ATTRIBUTE})\s*>"
    rf"|\[(?P<close2>\s*/)?\s*(?P<name2>{_NAME})\s*\]|\{{(?P<close3>\s*/)?\s*(?P<name3>{_NAME})\s*\}}"
)
_TYPE = re.compile(r"\s(?:type|label|class|entity)\s*=\s*(?:\"([^\"<>]+)\"|'([^'<>]+)'|([^\"'<>\s]+))", re.IGNORECASE)
_UNREAD = re.compile(r"(?:<|&lt;|\{|\[)\s*/\s*([^\W\d_][^<>{}\[\]&/]{0,60}?)\s*(?:>|&gt;|\}|\])|\[[^\[\]]+\]\(\w+\)")
"""A closing tag in some spelling, or Rasa's ``[Alvedon](drug)``."""
_ENTITIES = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,6});")
_PLAIN = re.compile(r"</?[A-Z][A-Z0-9_-]*>")
"""The spelling of the format."""

_HTML = frozenset({
    "a", "abbr", "b", "big", "br", "code", "div", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
    "li", "mark", "ol", "p", "pre", "s", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td",
    "th", "thead", "tr", "tt", "u", "ul",
})  # fmt: skip


def parse_inline(line: str, where: str, account: Account | None = None) -> tuple[str, list[Span]]:
    """Split a tagged line into its text and its spans.

    :param account: counts other spellings, and brackets that stay text.
    :raises DataError: a tag is nested, unclosed, or closed under another name.
    """
    account = Account() if account is None else account
    marks: list[Mark] = []
    labels: dict[int, str] = {}
    for match in _TAG.finditer(line):
        name = match["name"] or match["name2"] or match["name3"]
        if not _is_tag(match, name, line):
            account["brackets_kept_as_text"] += match["name"] is not None
            continue
        account["inline_tags_in_other_spellings"] += not _PLAIN.fullmatch(match[0])
        closing = bool(match["close"] or match["close2"] or match["close3"])
        marks.append(Mark(match.start(), match.end(), closing, name.casefold()))
        if not closing:
            kind = _TYPE.search(match["attributes"] or "")
            labels[len(labels)] = next(value for value in kind.groups() if value) if kind else name
    try:
        text, pieces = take_out(line, marks)
    except MarkFault as fault:
        raise DataError(f"{where}: {_told(line, fault)}") from None
    return text, [Span(start, end, labels[number]) for number, (_, start, end) in enumerate(pieces)]


def _told(line: str, fault: MarkFault) -> str:
    """Say what is wrong with the tags of a line."""

    def name(mark: Mark) -> str:
        return shown(line[mark.start + 1 : mark.end - 1].strip("/ \t").split()[0])[1:-1]

    tag = name(fault.mark)
    if fault.mark.closing:
        expected = f"</{name(fault.opened)}>" if fault.opened else "no tag"
        return f"found </{tag}> where {expected} is open"
    if fault.opened is fault.mark or fault.opened is None:
        return f"<{tag}> is never closed"
    return f"<{tag}> inside <{name(fault.opened)}>; nested entities are not supported"


def _is_tag(match: re.Match[str], name: str, line: str) -> bool:
    """Tell a tag from text: capitals in angle brackets always are one, another spelling only with its partner."""
    if _PLAIN.fullmatch(match[0]):
        return True
    if name.casefold() in _HTML:
        return False
    opening, closing = ("<", ">") if match["name"] else (r"\[", r"\]") if match["name2"] else (r"\{", r"\}")
    escaped = re.escape(name)
    opens = re.search(rf"{opening}\s*{escaped}{_ATTRIBUTE}\s*{closing}", line, re.IGNORECASE)
    closes = re.search(rf"{opening}\s*/\s*{escaped}\s*{closing}", line, re.IGNORECASE)
    return opens is not None and closes is not None


@collector_paused()
def read_inline(path: Path, language: str) -> Reading:
    """Read inline-tagged lines; blank lines are passed over and counted.

    :raises DataError: see :func:`parse_inline`; or a file that is tagged in a spelling that is not read.
    """
    account = Account()
    sentences = []
    unread = ""
    for number, line in enumerate(text_lines(path, account), 1):
        if not line.strip():
            account["blank_lines"] += 1
            continue
        where = f"{path}:{number}"
        text, spans = parse_inline(clean_text(line, account), where, account)
        left = next((m for m in _UNREAD.finditer(text) if (m[1] or "").casefold() not in _HTML), None)
        unread = unread or (f"{where}: found {shown(left[0])}" if left else "")
        account["tags_in_unknown_spellings_kept_as_text"] += left is not None
        account["html_entities_kept_as_text"] += len(_ENTITIES.findall(text))
        sentences.append(Sentence(str(number), text, language, clean_spans(text, spans, account, where)))
    if unread and not any(sentence.spans for sentence in sentences):
        raise DataError(f"{unread}, and no tag of the file could be read; write <LABEL>…</LABEL>")
    return Reading(tuple(sentences), account.nonzero())
