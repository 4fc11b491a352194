"""brat standoff (the n2c2-2018 format): a folder of ``NAME.txt`` with ``NAME.ann`` beside it.

Clinical notes are long and their line breaks fall inside sentences, so a document is cut where a sentence plausibly
ends (a blank line, or ``.``, ``!``, ``?`` before a line break or before blanks and a capital letter) but never inside
an annotation. The cut is a rule of ours, not of n2c2: its sentence counts depend on the splitter used, and a card's
``expected`` count will show the difference.

Discontinuous annotations (``T1<TAB>Drug 5 9;12 20<TAB>…``) are read as their outer span and counted. Where two
annotations overlap the longer is kept, and the dropped ones are counted by label. Relations, attributes and notes
are passed over.

An annotation names the text it covers, and that is checked: where offsets count CR LF once, a byte-order mark or UTF-16
units, and one rule explains the whole document, they are shifted and counted; else the document is refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.corpora.readers.offsets import rule_for_surfaces, surface_matches
from harness.corpora.readers.tables import split_names
from harness.corpora.readers.text import Reading, clean_spans, clean_text, read_text, text_lines
from harness.values.account import Account
from harness.values.errors import DataError, FileError, listing, shown
from harness.values.records import Sentence, Span

_ENTITY = re.compile(r"(T\d+)\t(\S+) (\d{1,18} \d{1,18}(?:;\d{1,18} \d{1,18})*)(?:\t(.*)|$)")
_ENTITY_LINE = re.compile(r"[Tt]\d+\s")
_OTHER_LINE = re.compile(r"[RAEMN]\d+\t|[#*]")
"""Relations, attributes, events, normalisations, notes, equivalences."""
_BOUNDARY = re.compile(r"\r?\n[ \t]*\r?\n\s*|(?<=[.!?])[ \t]*\r?\n\s*|(?<=[.!?])[ \t]+(?=[A-ZÀ-ÖØ-Þ])")


def read_brat(path: Path, language: str) -> Reading:
    """Read every document of a folder, in order of name.

    :raises DataError: no ``.txt`` file, a ``.txt`` without ``.ann``, or a malformed annotation.
    """
    if not path.is_dir():
        raise FileError(f"{path} is not a folder; brat standoff is a folder of .txt files with .ann files beside them")
    files = [file for file in path.rglob("*") if not file.name.startswith("._") and "__MACOSX" not in file.parts]
    documents = sorted(file for file in files if file.suffix.lower() == ".txt")
    annotated = {file.with_suffix("") for file in files if file.suffix == ".ann"}
    alone = sorted(annotated - {document.with_suffix("") for document in documents})
    if documents and alone:
        raise FileError(f"{path}: {len(alone)} annotations have no text beside them, first {alone[0].name}.ann")
    if not documents:
        raise FileError(f"{path}: found no .txt file; brat standoff is a folder of .txt files with .ann files")
    missing = [
        str(document.with_suffix(".ann").name) for document in documents if not document.with_suffix(".ann").exists()
    ]
    if missing:
        raise FileError(
            f"{path}: {len(missing)} of {len(documents)} documents lack their annotations, first {missing[0]}"
        )
    splits = split_names(document.relative_to(path).parent for document in documents)
    if len(splits) > 1:
        raise FileError(f"{path} holds the splits {listing(splits)}; give the folder of one of them")
    account = Account()
    sentences: list[Sentence] = []
    for document in documents:
        # brat counts offsets in the file as it stands, so line ends must not be folded.
        text = clean_text(read_text(document, account), account)
        annotations = _annotations(document.with_suffix(".ann"), text, account)
        name = document.relative_to(path).with_suffix("").as_posix()
        sentences.extend(_sentences(text, annotations, name, language, account, document))
    return Reading(tuple(sentences), account.nonzero())


def _annotations(path: Path, text: str, account: Account) -> list[Span]:
    """Read the entities of a document, in characters of its text.

    :raises DataError: a malformed line, or the text at an annotation is not what the annotation says.
    """
    annotations: list[_Annotation] = []
    for number, line in enumerate(text_lines(path, account), 1):
        if not _ENTITY_LINE.match(line):
            # The second line of a mention that holds a line break, or nothing we know.
            account["other_lines_passed_over"] += bool(line.strip()) and not _OTHER_LINE.match(line)
            continue
        match = _ENTITY.match(line)
        if not match:
            raise DataError(f"{path}:{number}: found {shown(line)}; 'T1<TAB>Label START END<TAB>text' is needed")
        pieces = [tuple(map(int, piece.split())) for piece in match[3].split(";")]
        account["discontinuous_annotations_joined"] += len(pieces) > 1
        annotations.append(_Annotation(number, clean_text(match[2], account), pieces, match[4] or ""))
    return _without_overlaps(_in_characters(annotations, text, path, account), account)


@dataclass(frozen=True)
class _Annotation:
    """An entity as its line has it.

    :param pieces: half-open offsets, one pair for each part.
    :param surface: the text it covers, parts with a blank between; empty where the line does not say.
    """

    number: int
    label: str
    pieces: list[tuple[int, ...]]
    surface: str

    @property
    def whole(self) -> tuple[int, int]:
        """Outer span."""
        return min(piece[0] for piece in self.pieces), max(piece[1] for piece in self.pieces)

    def holds(self, text: str) -> bool:
        """Return True where the text at the offsets is what the annotation says."""
        if len(self.pieces) == 1:
            return surface_matches(text, *self.whole, self.surface)
        covered = " ".join(text[piece[0] : piece[1]] for piece in self.pieces)
        return 0 <= self.whole[0] < self.whole[1] <= len(text) and " ".join(covered.split()) == " ".join(
            self.surface.split()
        )


def _in_characters(annotations: list[_Annotation], text: str, path: Path, account: Account) -> list[Span]:
    named = [annotation for annotation in annotations if annotation.surface.strip()]
    account["annotations_without_their_text"] += len(annotations) - len(named)
    outside = next((item for item in annotations if not 0 <= item.whole[0] < item.whole[1] <= len(text)), None)
    wrong = outside or next((item for item in named if not item.holds(text)), None)
    if wrong is None:
        return [Span(*item.whole, item.label) for item in annotations]
    simple = [item for item in named if len(item.pieces) == 1]
    rule = (
        rule_for_surfaces(text, [item.whole for item in simple], [item.surface for item in simple]) if simple else None
    )
    positions = rule[0].positions(text) if rule else {}
    if rule is None or any(place not in positions for item in annotations for place in item.whole):
        start, end = wrong.whole
        at = (
            f"the text there is {shown(text[start:end])}"
            if wrong is not outside
            else f"the text has {len(text)} characters"
        )
        raise DataError(
            f"{path}:{wrong.number}: {wrong.label} {start} {end} should cover {shown(wrong.surface)} and {at}; "
            "no way to count line ends, a byte-order mark, UTF-16 units or bytes explains all annotations of the "
            "document"
        )
    account[f"offsets_shifted/{rule[0].name}"] += len(annotations)
    return [Span(positions[item.whole[0]], positions[item.whole[1]], item.label) for item in annotations]


def _without_overlaps(spans: list[Span], account: Account) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(set(spans), key=lambda span: (span.start - span.end, span)):  # longest first
        if any(span.start < earlier.end and earlier.start < span.end for earlier in kept):
            account[f"overlapping_annotations_dropped/{span.label}"] += 1
        else:
            kept.append(span)
    return sorted(kept)


def _sentences(
    text: str, spans: list[Span], name: str, language: str, account: Account, path: Path
) -> Iterator[Sentence]:
    index = 0
    for count, (start, end) in enumerate(_pieces(text, spans), 1):
        local = []
        while index < len(spans) and spans[index].start < end:
            span = spans[index]
            local.append(Span(span.start - start, span.end - start, span.label))
            index += 1
        piece = text[start:end]
        clean = clean_spans(piece, local, account, str(path))
        yield Sentence(f"{name}-{count}", piece, language, clean, document=name)


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
