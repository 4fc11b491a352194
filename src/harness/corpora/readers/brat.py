"""brat standoff (the n2c2-2018 format): a folder of ``NAME.txt`` with ``NAME.ann`` beside it.

Clinical notes are long and their line breaks fall inside sentences, so a document is cut where a sentence plausibly
ends (a blank line, or ``.``, ``!``, ``?`` before a line break or before blanks and a capital letter) but never inside
an annotation. The cut is a rule of ours, not of n2c2: its sentence counts depend on the splitter used, and a card's
``expected`` count will show the difference.

Discontinuous annotations (``T1<TAB>Drug 5 9;12 20<TAB>…``) are read as their outer span and counted. Where two
annotations overlap the longer is kept, and the dropped ones are counted by label. Relations, attributes and notes
are passed over.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from harness.corpora.readers.reading import Reading, clean_spans, read_text, text_lines
from harness.errors import DataError
from harness.records import Sentence, Span

_ENTITY = re.compile(r"(T\d+)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)(?:\t|$)")
_ENTITY_LINE = re.compile(r"T\d+\t")
_BOUNDARY = re.compile(r"\r?\n[ \t]*\r?\n\s*|(?<=[.!?])[ \t]*\r?\n\s*|(?<=[.!?])[ \t]+(?=[A-ZÀ-ÖØ-Þ])")


def read_brat(path: Path, language: str) -> Reading:
    """Read every document of a folder, in order of name.

    :raises DataError: no ``.txt`` file, a ``.txt`` without ``.ann``, or a malformed annotation.
    """
    if not path.is_dir():
        raise DataError(f"{path} is not a folder; brat standoff is a folder of .txt files with .ann files beside them")
    documents = sorted(
        file for file in path.rglob("*.txt") if not file.name.startswith("._") and "__MACOSX" not in file.parts
    )
    if not documents:
        raise DataError(f"{path}: found no .txt file; brat standoff is a folder of .txt files with .ann files")
    missing = [
        str(document.with_suffix(".ann").name) for document in documents if not document.with_suffix(".ann").exists()
    ]
    if missing:
        raise DataError(
            f"{path}: {len(missing)} of {len(documents)} documents lack their annotations, first {missing[0]}"
        )
    account: Counter[str] = Counter()
    sentences: list[Sentence] = []
    for document in documents:
        # brat counts offsets in the file as it stands, so line ends must not be folded.
        text = read_text(document)
        annotations = _annotations(document.with_suffix(".ann"), len(text), account)
        name = document.relative_to(path).with_suffix("").as_posix()
        sentences.extend(_sentences(text, annotations, name, language, account, document))
    return Reading(tuple(sentences), +account)


def _annotations(path: Path, length: int, account: Counter[str]) -> list[Span]:
    spans = []
    for number, line in enumerate(text_lines(path), 1):
        if not _ENTITY_LINE.match(line):
            continue  # relations, attributes, notes, and the second line of a mention that holds a line break
        match = _ENTITY.match(line)
        if not match:
            raise DataError(f"{path}:{number}: found {line[:60]!r}; 'T1<TAB>Label START END<TAB>text' is needed")
        pieces = [tuple(map(int, piece.split())) for piece in match[3].split(";")]
        if len(pieces) > 1:
            account["discontinuous_annotations_joined"] += 1
        start, end = min(piece[0] for piece in pieces), max(piece[1] for piece in pieces)
        if not start < end <= length:
            raise DataError(f"{path}:{number}: span {start} {end} lies outside the text of {length} characters")
        spans.append(Span(start, end, match[2]))
    return _without_overlaps(spans, account)


def _without_overlaps(spans: list[Span], account: Counter[str]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(set(spans), key=lambda one: (one.start - one.end, one)):  # longest first
        if any(span.start < other.end and other.start < span.end for other in kept):
            account[f"overlapping_annotations_dropped/{span.label}"] += 1
        else:
            kept.append(span)
    return sorted(kept)


def _sentences(
    text: str, spans: list[Span], name: str, language: str, account: Counter[str], path: Path
) -> Iterator[Sentence]:
    index = 0
    for count, (start, end) in enumerate(_pieces(text, spans), 1):
        local = []
        while index < len(spans) and spans[index].start < end:
            span = spans[index]
            local.append(Span(span.start - start, span.end - start, span.label))
            index += 1
        piece = text[start:end]
        yield Sentence(f"{name}-{count}", piece, language, clean_spans(piece, local, account, str(path)))


def _pieces(text: str, spans: list[Span]) -> Iterator[tuple[int, int]]:
    """Yield the half-open offsets of the sentences of a document, outer blanks left out."""
    start = 0
    cuts = [match.span() for match in _BOUNDARY.finditer(text)]
    inside = [(begin, end) for begin, end in cuts if not any(span.start < end and begin < span.end for span in spans)]
    for begin, end in [*inside, (len(text), len(text))]:
        piece = text[start:begin]
        left = start + len(piece) - len(piece.lstrip())
        right = begin - (len(piece) - len(piece.rstrip()))
        if left < right:
            yield left, right
        start = end
