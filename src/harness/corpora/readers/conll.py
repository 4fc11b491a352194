"""CoNLL: a token and its tag a line, tab or blanks between, a blank line between sentences.

Reads IOB1, IOB2 and BIOES (conlleval's rules, see :mod:`harness.values.labels`), ``-DOCSTART-`` lines, CRLF, a
byte-order mark, ``#`` comment lines (``# id = …``, ``# sent_id = …`` or MultiCoNER's ``# id …`` names the next
sentence). Which columns count, :mod:`harness.corpora.readers.columns` decides; PAN-X's language prefixes are taken off.

The text of a sentence is its tokens joined by one blank, and the token offsets are kept, so scores over
tags and over spans agree exactly. A token that itself holds blanks (U+00A0 in Swedish numbers) stays whole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.corpora.readers.columns import TAG_LIKE, Columns, find_columns, is_range
from harness.corpora.readers.text import Reading, text_lines
from harness.corpora.readers.tokens import legal_tags, sentence_from_tags, shared_prefix, without_prefix
from harness.machine.process import collector_paused
from harness.values.account import Account
from harness.values.errors import DataError, shown
from harness.values.labels import OUTSIDE

DOCUMENT_START = "-DOCSTART-"
"""CoNLL-2003's mark before the first sentence of a document: a line of its own."""

_KEY_COMMENT = re.compile(r"#\s*[\w.:-]+\s*=")
_ID_COMMENT = re.compile(r"#\s*(?:sent_)?id\s*=\s*(\S.*)")
_DOCUMENT_COMMENT = re.compile(r"#\s*newdoc\s+id\s*=\s*(\S.*)")
"""CoNLL-U, before the first sentence of a document."""
_BARE_ID_COMMENT = re.compile(r"#\s+id\s+(\S+)")
"""MultiCoNER: ``# id 5239d808-f300-46ea-aa3b-5093040213a3<TAB>domain=en``."""


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """Tokens and tags as they stand in a file.

    :param lines: line number of each token, from 1.
    :param document: of ``# newdoc id = …``, or the number of its ``-DOCSTART-`` line.
    """

    id: str
    tokens: list[str]
    tags: list[str]
    lines: list[int]
    document: str = ""

    @property
    def line(self) -> int:
        """Line number of the first token."""
        return self.lines[0]


@dataclass(slots=True)
class _Block:
    """The lines of one sentence, cut into columns."""

    id: str
    document: str = ""
    named: bool = False  # by '# id = ', as the harness writes it
    numbers: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


def tagged_sentences(
    path: Path,
    account: Account | None = None,
    *,
    token_column: int | None = None,
    tag_column: int | str | None = None,
    annotated: bool = True,
) -> Iterator[TaggedSentence]:
    """Yield the sentences of a CoNLL file, tags unchecked but for being there.

    :param annotated: false for text to tag, where a file of tokens alone is read as untagged.
    :param account: counts what is passed over: a column of numbers, a second layer of tags, prefixes of tokens.
    :param token_column, tag_column: see :func:`harness.corpora.readers.columns.find_columns`.
    :raises DataError: a line lacks its token or its tag, or nobody can tell which columns they are.
    """
    account = Account() if account is None else account
    blocks = list(_blocks(path, account))
    if not annotated:
        blocks = _as_tagged(blocks, account)
    # What the harness wrote has two columns under an id: tokens such as 1 2 3 or tel:1 are meant.
    ours = bool(blocks) and blocks[0].named and all(len(row) == 2 for block in blocks for row in block.rows)
    columns = Columns()
    if not ours or (token_column, tag_column) != (None, None):
        columns = find_columns([block.rows for block in blocks], path, token_column, tag_column)
    sentences = [sentence for block in blocks if (sentence := _tagged(block, columns, path, account)).tokens]
    prefix = "" if ours else shared_prefix(token for sentence in sentences for token in sentence.tokens if token)
    for sentence in sentences:
        tokens = without_prefix(sentence.tokens, prefix, account)
        yield TaggedSentence(sentence.id, tokens, sentence.tags, sentence.lines, sentence.document)


def _blocks(path: Path, account: Account) -> Iterator[_Block]:
    """Yield the lines between blank lines, without comments."""
    count = documents = 0
    document = ""
    block = _Block("")
    for number, line in enumerate([*text_lines(path, account), ""], 1):
        opens = not block.rows and bool(line.strip(" \t")) and _columns(line)[0] == DOCUMENT_START
        if opens:
            documents += 1
            document = str(documents)
        if opens or not line.strip(" \t"):
            if block.rows:
                count += 1
                block.id, block.document = block.id or str(count), document
                yield block
                block = _Block("")
            continue
        if line.startswith("#") and not block.rows and _is_comment(line):
            new = _DOCUMENT_COMMENT.match(line)
            document = new[1].strip() if new else document
            match = _ID_COMMENT.match(line) or _BARE_ID_COMMENT.match(line)
            block.id = match[1].strip() if match else block.id
            block.named = block.named or line.startswith("# id = ")
            continue
        block.numbers.append(number)
        block.rows.append(_columns(line))


def _as_tagged(blocks: list[_Block], account: Account) -> list[_Block]:
    """Give every token of a file of tokens alone, one a line, the tag O."""
    if not all(len(row) == 1 for block in blocks for row in block.rows):
        return blocks
    for block in blocks:
        account["untagged_tokens_passed_over"] += len(block.rows)
        block.rows = [[*row, OUTSIDE] for row in block.rows]
        block.named = True  # two columns, whatever the tokens look like
    return blocks


def _is_comment(line: str) -> bool:
    """Tell a comment from a token that begins with #.

    A comment is ``# key = value``, ``# id …``, or a bare ``#`` (with words after it) whose line does not end in a tag.
    """
    columns = _columns(line)
    ends_in_a_tag = len(columns) > 1 and TAG_LIKE.fullmatch(columns[-1]) is not None
    if "\t" in line and ends_in_a_tag:
        return False
    if _KEY_COMMENT.match(line) or _BARE_ID_COMMENT.match(line):
        return True
    return (columns[0] == "#" or columns[0].startswith("# ")) and not ends_in_a_tag


def _columns(line: str) -> list[str]:
    # Only tab and blank separate: str.split() would cut at U+00A0 inside a token. A leading tab is an empty token.
    line = line.rstrip(" \t").lstrip(" ")
    columns = line.split("\t") if "\t" in line else re.split(" +", line)
    return [column.strip(" ") for column in columns]


def _tagged(block: _Block, columns: Columns, path: Path, account: Account) -> TaggedSentence:
    tokens: list[str] = []
    tags: list[str] = []
    lines: list[int] = []
    for number, row in zip(block.numbers, block.rows, strict=True):
        if columns.numbered and is_range(row):
            account["multiword_lines_passed_over"] += 1
            continue
        cells = columns.read(row)
        if cells is None:
            line = "\t".join(row)
            raise DataError(
                f"{path}:{number}: found {shown(line)}, a token and a tag are needed, with a tab or a blank "
                "between them"
            )
        tokens.append(cells[0])
        tags.append(cells[1])
        lines.append(number)
        if columns.second is not None and len(row) > columns.second:
            account["second_layer_entities_dropped"] += row[columns.second].startswith(("B-", "S-"))
    if columns.numbered:
        account["token_numbers_passed_over"] += len(tokens)
    return TaggedSentence(block.id, tokens, tags, lines, block.document)


@collector_paused()
def read_conll(
    path: Path,
    language: str,
    *,
    token_column: int | None = None,
    tag_column: int | str | None = None,
    annotated: bool = True,
) -> Reading:
    """Read a CoNLL file; the account counts illegal transitions read by conlleval's rules.

    :param annotated: see :func:`tagged_sentences`.
    :raises DataError: a malformed line, or a tag that is not O, B-X, I-X, E-X or S-X.
    """
    account = Account()
    sentences = []
    for tagged in tagged_sentences(
        path, account, token_column=token_column, tag_column=tag_column, annotated=annotated
    ):
        where = f"{path}:{tagged.line}"
        tags = [
            legal_tags([tag], account, f"{path}:{line}")[0] for line, tag in zip(tagged.lines, tagged.tags, strict=True)
        ]
        sentence = sentence_from_tags(tagged.id, tagged.tokens, tags, language, account, where, tagged.document)
        if sentence is not None:
            sentences.append(sentence)
    return Reading(tuple(sentences), account.nonzero())
