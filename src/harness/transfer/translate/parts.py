"""Texts too long for a model: cut at punctuation, translated in parts, put together again."""

from collections.abc import Callable, Sequence

import regex

from harness.transfer.translate.contract import Translation

_BREAKS = (
    # Ends of sentences, then of clauses: narrow marks only before a blank, '3.14' and '1,250' are one number.
    regex.compile(r"(?<=[.!?।؟])\s+|(?<=[。！？])\s*"),
    regex.compile(r"(?<=[,;:،])\s+|(?<=[，；：、])\s*"),
    regex.compile(r"\s+"),
)


def translate_in_parts(
    texts: Sequence[str],
    fits: Callable[[str], bool],
    translate: Callable[[Sequence[str]], list[Translation]],
    *,
    size: int = 32,
    spaced: bool = True,
) -> list[Translation]:
    """Translate texts, those that do not fit in parts.

    :param fits: whether the model can read a text whole.
    :param size: parts per call, so that long texts do not make large batches.
    :param spaced: whether the target is written with blanks.
    """
    parts = [split_text(text, fits) for text in texts]
    flat = [part for text_parts in parts for part in text_parts]
    order = sorted(range(len(flat)), key=lambda number: -len(flat[number]))
    made_of: dict[int, Translation] = {}
    for start in range(0, len(order), size):
        numbers = order[start : start + size]
        made_of |= dict(zip(numbers, translate([flat[number] for number in numbers]), strict=True))
    answers = iter([made_of[number] for number in range(len(flat))])
    joined = []
    for text_parts in parts:
        translated = [next(answers) for _ in text_parts]
        note = next((answer.note for answer in translated if answer.note), "parts" if len(text_parts) > 1 else "")
        joined.append(Translation((" " if spaced else "").join(answer.text for answer in translated), note))
    return joined


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
