"""Texts too long for a model: cut at punctuation, translated in parts, put together again."""

from collections.abc import Callable, Sequence

import regex

from harness.transfer.translate.engine import Translation

_BREAKS = (
    regex.compile(r"(?<=[.!?。！？।؟])\s*"),  # ends of sentences
    regex.compile(r"(?<=[,;:，；：、،])\s*"),
    regex.compile(r"\s+"),
)


def translate_in_parts(
    texts: Sequence[str], fits: Callable[[str], bool], translate: Callable[[Sequence[str]], list[Translation]]
) -> list[Translation]:
    """Translate texts, those that do not fit in parts.

    :param fits: whether the model can read a text whole.
    """
    parts = [split_text(text, fits) for text in texts]
    answers = iter(translate([part for one in parts for part in one]))
    found = []
    for one in parts:
        made = [next(answers) for _ in one]
        note = next((answer.note for answer in made if answer.note), "parts" if len(one) > 1 else "")
        found.append(Translation(" ".join(answer.text for answer in made), note))
    return found


def split_text(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Cut a text until every part fits: at the break nearest its middle, of the best sort there is.

    A stretch without any break is cut in its middle, between characters.
    """
    if fits(text) or len(text) < 2:
        return [text]
    middle = len(text) // 2
    for pattern in _BREAKS:
        places = [match.span() for match in pattern.finditer(text) if match.start() > 0 and match.end() < len(text)]
        near = [place for place in places if abs(place[0] - middle) <= len(text) // 4]
        if near:
            start, end = min(near, key=lambda place: abs(place[0] - middle))
            break
    else:
        start = end = middle
    return split_text(text[:start], fits) + split_text(text[end:], fits)
