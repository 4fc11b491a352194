"""Which column of a CoNLL file holds the tokens and which the tags.

Two columns are token and tag; of more, the first and the last, as in CoNLL-2003 and MasakhaNER. Files that number their
tokens (GermEval 2014, UNER's ``.iob2``, CoNLL-U) are told by a first column that counts 1, 2, 3 in every sentence: then
the token is the second column, and the tag the column after it, the only one with tags, or a key of CoNLL-U's MISC
column. What stays ambiguous is refused: a card's ``token_column`` and ``tag_column`` decide it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.values.errors import DataError, listing, shown

Row = Sequence[str]
"""The columns of one line."""

TAG_LIKE = re.compile(r"O|[BIESLU]-\S.*")
"""A tag of any scheme; whether it can be read is checked later."""

_MISC_KEYS = ("NER", "NE", "Entity", "BIO", "IOB", "Tag")
"""Keys under which corpora keep entity tags in CoNLL-U's MISC column; any case."""

_CONLLU_COLUMNS = 10


@dataclass(frozen=True)
class Columns:
    """Where tokens and tags are.

    :param token: index of the token's column, from 0, negative from the end.
    :param tag: index of the tag's column.
    :param misc: key of the tag in a column of ``key=value|key=value``; empty where the column is the tag itself.
    :param second: index of a second layer of tags, which is passed over.
    :param numbered: the first column numbers the tokens.
    """

    token: int = 0
    tag: int = -1
    misc: str = ""
    second: int | None = None
    numbered: bool = False

    def read(self, row: Row) -> tuple[str, str] | None:
        """Return token and tag of a line; nothing where it has none."""
        least = max(index + 1 if index >= 0 else -index for index in (self.token, self.tag))
        if len(row) < max(2, least):
            return None
        token, tag = row[self.token], row[self.tag]
        if self.misc:
            tag = misc_value(tag, self.misc) or "O"
        return (token, tag) if token and tag else None


def misc_value(field: str, key: str) -> str:
    """Return the value of a key in ``key=value|key=value``, case of the key apart; empty where it is not there."""
    for part in field.split("|"):
        name, equals, value = part.partition("=")
        if equals and name.strip().casefold() == key.casefold():
            return value.strip()
    return ""


def is_range(row: Row) -> bool:
    """Return True for CoNLL-U's lines that are no words: multiword ranges (``3-4``) and empty nodes (``8.1``)."""
    return re.fullmatch(r"\d{1,6}[-.]\d{1,6}", row[0]) is not None


def find_columns(
    sentences: Sequence[Sequence[Row]], path: Path, token_column: int | None, tag_column: int | str | None
) -> Columns:
    """Return where tokens and tags are.

    :param token_column, tag_column: what the card says: from 1, negative from the end, or a key of the MISC column.
    :raises DataError: the columns are ambiguous, or there are none as the card says.
    """
    rows = [row for sentence in sentences for row in sentence if not is_range(row)]
    numbered = _counts_words(sentences)
    if token_column is not None or tag_column is not None:
        return _named(token_column, tag_column, numbered)
    if not numbered:
        _check_first_column(sentences, path)
        return _last_with_tags(rows, path)
    least = min(map(len, rows))
    if least < 3:
        raise DataError(
            f"{path}: the first column counts 1, 2, 3 … and only {least - 1} follows, so the file lacks tokens or "
            "tags; "
            "if those numbers are the tokens, say so in the data card with token_column: 1 and tag_column: 2"
        )
    if least >= _CONLLU_COLUMNS and not _is_tag_column(rows, -1):
        return _conllu(rows, path)
    tagged = [index for index in range(2, max(map(len, rows))) if _is_tag_column(rows, index)]
    if 2 in tagged:  # GermEval: number, token, outer layer, inner layer; UNER: number, token, tag, -, annotator
        return Columns(1, 2, second=3 if 3 in tagged else None, numbered=True)
    if len(tagged) == 1:
        return Columns(1, tagged[0], numbered=True)
    raise DataError(
        f"{path}: the first column counts 1, 2, 3 …, and {_count(tagged)} hold tags; name them in the data card: "
        "token_column: 2, tag_column: … (from 1, or negative from the end)"
    )


def _count(tagged: Sequence[int]) -> str:
    return f"{len(tagged)} columns ({listing(index + 1 for index in tagged)})" if tagged else "no column seems to"


def _counts_words(sentences: Sequence[Sequence[Row]]) -> bool:
    """Return True where the first column numbers the words of every sentence, from 0 or 1."""
    longest = 0
    for sentence in sentences:
        numbers = [row[0] for row in sentence if not is_range(row)]
        if not numbers:
            continue
        if numbers[0] not in ("0", "1"):
            return False
        first = int(numbers[0])
        if numbers != [str(first + place) for place in range(len(numbers))]:
            return False
        longest = max(longest, len(numbers))
    # A file of one-word sentences "1 O" proves nothing; one such word with more columns is numbered.
    return longest > 1 or (longest == 1 and all(len(row) > 2 for sentence in sentences for row in sentence))


_NUMBER_LIKE = re.compile(r"\d{1,6}(?:[-.]\d{1,6})?[.)]?")


def _check_first_column(sentences: Sequence[Sequence[Row]], path: Path) -> None:
    """Refuse a first column that is no token, though it does not count 1, 2, 3 in every sentence.

    :raises DataError: nearly all of it are numbers (a blank line is missing or too many, a count that runs on), or it
        stays the same within every sentence (the name of a document).
    """
    rows = [row for sentence in sentences for row in sentence]
    if len(rows) < 3 or min(map(len, rows)) < 3:
        return
    numbers = sum(bool(_NUMBER_LIKE.fullmatch(row[0])) for row in rows)
    if numbers >= 0.9 * len(rows):
        raise DataError(
            f"{path}: the first column holds numbers ({numbers} of {len(rows)} lines) that do not count 1, 2, 3 "
            "in every "
            "sentence; look for blank lines that are missing or too many, or name the columns: token_column, tag_column"
        )
    longer = [sentence for sentence in sentences if len(sentence) > 1]
    if len(longer) > 1 and all(len({row[0] for row in sentence}) == 1 for sentence in longer):
        raise DataError(
            f"{path}: the first column stays the same within every sentence, so it is no token; name the columns: "
            "token_column, tag_column"
        )


def _is_tag_column(rows: Sequence[Row], index: int) -> bool:
    """Return True where every line has a tag in a column."""
    return all(
        (len(row) > index if index >= 0 else len(row) >= -index) and TAG_LIKE.fullmatch(row[index]) for row in rows
    )


def _last_with_tags(rows: Sequence[Row], path: Path) -> Columns:
    """Return the last column, or the only one with tags where the last has hardly any (notes of annotators).

    :raises DataError: two columns beside the token hold tags: two layers, or gold and predictions.
    """
    if rows and {len(row) for row in rows} == {3} and _is_tag_column(rows, 1) and _is_tag_column(rows, 2):
        raise DataError(
            f"{path}: columns 2 and 3 both hold tags (two layers, chunks, or gold and predictions); name the one "
            "that counts: "
            "tag_column: 2 or tag_column: 3"
        )
    good = sum(bool(TAG_LIKE.fullmatch(row[-1])) for row in rows if len(row) > 1)
    if rows and good * 2 < len(rows):
        tagged = [index for index in range(1, min(map(len, rows))) if _is_tag_column(rows, index)]
        if len(tagged) == 1:
            return Columns(0, tagged[0])
    return Columns()


def _named(token_column: int | None, tag_column: int | str | None, numbered: bool) -> Columns:
    token = (1 if numbered else 0) if token_column is None else _index(token_column)
    if isinstance(tag_column, str):
        return Columns(token, _CONLLU_COLUMNS - 1, misc=tag_column, numbered=numbered)
    return Columns(token, -1 if tag_column is None else _index(tag_column), numbered=numbered)


def _index(column: int) -> int:
    return column - 1 if column > 0 else column


def _conllu(rows: Sequence[Row], path: Path) -> Columns:
    """Return the columns of CoNLL-U: FORM, and the tag in MISC under the first key that holds tags.

    :raises DataError: no key of MISC holds tags.
    """
    keys: Counter[str] = Counter()
    for row in rows:
        keys.update({part.partition("=")[0] for part in row[_CONLLU_COLUMNS - 1].split("|") if "=" in part})
    wanted = {key.casefold() for key in _MISC_KEYS}
    for key in sorted(keys, key=lambda name: -keys[name]):
        values = list(_values(rows, key))
        if key.casefold() in wanted and values and all(TAG_LIKE.fullmatch(value) for value in values):
            return Columns(1, _CONLLU_COLUMNS - 1, misc=key, numbered=True)
    raise DataError(
        f"{path}: looks like CoNLL-U, and no key of its MISC column holds tags such as NER=B-PER "
        f"(found {shown(listing(sorted(keys))) if keys else 'no key'}); name the key in the data card, for "
        "example tag_column: NER"
    )


def _values(rows: Sequence[Row], key: str) -> Iterator[str]:
    for row in rows:
        value = misc_value(row[_CONLLU_COLUMNS - 1], key)
        if value:
            yield value
