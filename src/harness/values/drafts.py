"""What reasoning models write before their answer, taken out: drafts are not answers.

A draft stands between marks that depend on the model's family. One that is never closed reaches to the end (the
answer was cut off while the model was still thinking); one that is never opened begins with the answer (the server's
chat template had opened it). A mark inside a JSON object is text of that object.
"""

import regex

_NAME = r"[\w:. -]{0,20}(?:think|thought|reason|reflect|analysis|scratchpad)[\w:.-]{0,20}"
_OPEN = regex.compile(
    rf"<\s*\|?\s*(?:begin_of_|start_)?{_NAME}\s*\|?\s*>|&lt;\s*{_NAME}\s*&gt;|\[\s*(?:THINK|THINKING|REASONING)\s*\]|◁think▷"
    r"|<details\s+type=.?reasoning[^>]{0,80}>|```\s*(?:thinking|reasoning|thoughts?)\b|<unused94>"
    r"|(?:<\|start\|>\s*assistant\s*)?<\|?channel\|?>\s*(?:analysis|commentary|thought)\b[^<{]{0,80}(?:<\|message\|>)?|\Aanalysis(?=\W)",
    regex.IGNORECASE,
)
_CLOSE = regex.compile(
    rf"<\s*\|?\s*/\s*{_NAME}\s*\|?\s*>|<\|\s*end_(?:of_)?{_NAME}\s*\|>|&lt;\s*/\s*{_NAME}\s*&gt;|\[\s*/\s*(?:THINK|THINKING|REASONING)\s*\]"
    r"|◁/think▷|</details>|<unused95>|<channel\|>|<\|(?:end|return)\|>|assistantfinal"
    r"|(?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*final\b[^<{]{0,80}<\|message\|>",
    regex.IGNORECASE,
)
_STRUCTURE = regex.compile(r"[{\[<]")


def without_drafts(answer: str, labels: frozenset[str] = frozenset()) -> tuple[str, str]:
    """Return an answer without its drafts, and what was taken out of it.

    :param labels: labels of the corpus, case folded: an inline tag of one is no mark of a draft.
    :returns: the answer, and ``draft_removed``, ``draft_never_closed`` or an empty string.
    """
    opens, closes = (_marks(pattern, answer, labels) for pattern in (_OPEN, _CLOSE))
    kept: list[str] = []
    depth = 0  # braces left open in what is kept: above 0 we are inside somebody's object
    place = 0
    note = ""

    def keep(end: int) -> None:
        nonlocal depth, place
        part = answer[place:end]
        kept.append(part)
        depth += part.count("{") - part.count("}")
        place = end

    while opens or closes:
        if opens and (not closes or opens[-1].start() < closes[-1].start()):
            opened = opens.pop()
            if opened.start() < place:
                continue
            keep(opened.start())
            if depth > 0:
                keep(opened.end())  # somebody's text about tags
                continue
            end = _draft_end(opened, closes, answer)
            if end is None:
                return "".join(kept), "draft_never_closed"
            place, note = end, "draft_removed"
        else:
            closed = closes.pop()
            if closed.start() < place:
                continue
            keep(closed.start())
            if depth > 0:
                keep(closed.end())
                continue
            if _STRUCTURE.search(answer, closed.end()):
                kept.clear()  # closed and never opened: all before it was the draft
                depth = 0
            place, note = closed.end(), "draft_removed"
    keep(len(answer))
    return "".join(kept), note


def _marks(pattern: "regex.Pattern[str]", answer: str, labels: frozenset[str]) -> "list[regex.Match[str]]":
    """Return the marks, the last one first."""
    marks = [match for match in pattern.finditer(answer) if match[0].strip("<>/[]|{} ").casefold() not in labels]
    return marks[::-1]


def _draft_end(opened: "regex.Match[str]", closes: "list[regex.Match[str]]", answer: str) -> int | None:
    """Return where the draft ends that a mark opens; None where nothing closes it."""
    if opened[0].startswith("```"):
        fence = answer.find("```", opened.end())
        return None if fence < 0 else fence + 3
    while closes:
        closed = closes.pop()
        if closed.start() >= opened.end():
            return int(closed.end())
    return None
