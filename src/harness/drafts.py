"""What reasoning models write before their answer, taken out: drafts are not answers.

A draft stands between marks that depend on the model's family. One that is never closed reaches to the end (the
answer was cut off while the model was still thinking); one that is never opened begins with the answer (the server's
chat template had opened it).
"""

import regex

_NAMES = "think|thinking|thought|thoughts|reasoning|scratchpad"
_OPEN = regex.compile(
    rf"<\s*(?:{_NAMES})\s*>|\[(?:THINK|THINKING)\]|◁think▷|<\|begin_of_thought\|>|<\|START_THINKING\|>"
    r"|(?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*(?:analysis|commentary)\b[^<]{0,80}<\|message\|>",
    regex.IGNORECASE,
)
_CLOSE = regex.compile(
    rf"<\s*/\s*(?:{_NAMES})\s*>|\[/(?:THINK|THINKING)\]|◁/think▷|<\|end_of_thought\|>|<\|END_THINKING\|>"
    r"|<\|(?:end|return)\|>|(?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*final\b[^<]{0,80}<\|message\|>",
    regex.IGNORECASE,
)


def without_drafts(answer: str, labels: frozenset[str] = frozenset()) -> tuple[str, str]:
    """Return an answer without its drafts, and what was taken out of it.

    :param labels: labels of the corpus, case folded: an inline tag of one is no mark of a draft.
    :returns: the answer, and ``draft_removed``, ``draft_never_closed`` or an empty string.
    """
    marks = [(match.start(), match.end(), True) for match in _OPEN.finditer(answer)]
    marks += [(match.start(), match.end(), False) for match in _CLOSE.finditer(answer)]
    marks = [mark for mark in sorted(marks) if answer[mark[0] : mark[1]].strip("<>/[] ").casefold() not in labels]
    if not marks:
        return answer, ""
    kept: list[str] = []
    place = depth = 0
    for start, end, opens in marks:
        if start < place:
            continue
        if opens:
            if not depth:
                kept.append(answer[place:start])
            depth += 1
        elif depth:
            depth -= 1
        elif answer[end:].strip():
            kept.clear()  # closed and never opened: all before it was the draft
        else:
            kept.append(answer[place:start])
        place = end
    if depth:
        return "".join(kept), "draft_never_closed"
    return "".join(kept) + answer[place:], "draft_removed"
