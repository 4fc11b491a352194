"""Two-column CoNLL: token and tag a line, tab or blanks between, a blank line between sentences.

Reads IOB1, IOB2 and BIOES (conlleval's rules, see :mod:`harness.labels`), ``-DOCSTART-`` lines, CRLF, a
byte-order mark, ``#`` comment lines (``# id = …`` or ``# sent_id = …`` names the next sentence). With more
than two columns, the first is the token and the last the tag, as in CoNLL-2003 and MasakhaNER.

The text of a sentence is its tokens joined by one blank, and the token offsets are kept, so scores over
tags and over spans agree exactly. A token that itself holds blanks (U+00A0 in Swedish numbers) stays whole.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.corpora.readers.reading import Reading, clean_spans, text_lines
from harness.errors import DataError
from harness.labels import illegal_transitions, is_legal_tag, spans_from_tags
from harness.records import Sentence

_KEY_COMMENT = re.compile(r"#\s*[\w.:-]+\s*=")
_ID_COMMENT = re.compile(r"#\s*(?:sent_)?id\s*=\s*(\S.*)")


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """Tokens and tags as they stand in a file.

    :param line: line number of the first token, from 1.
    """

    id: str
    tokens: list[str]
    tags: list[str]
    line: int


def tagged_sentences(path: Path) -> Iterator[TaggedSentence]:
    """Yield the sentences of a CoNLL file, tags unchecked but for being there.

    :raises DataError: a line has no second column.
    """
    tokens: list[str] = []
    tags: list[str] = []
    name, first, number, count = "", 0, 0, 0
    for number, line in enumerate(text_lines(path), 1):
        if not line.strip(" \t") or line.startswith("-DOCSTART-"):
            if tokens:
                count += 1
                yield TaggedSentence(name or str(count), tokens, tags, first)
                tokens, tags, name = [], [], ""
            continue
        if line.startswith("#") and not tokens and _is_comment(line):
            match = _ID_COMMENT.match(line)
            name = match[1].strip() if match else name
            continue
        token, tag = _columns(line, path, number)
        if not tokens:
            first = number
        tokens.append(token)
        tags.append(tag)
    if tokens:
        yield TaggedSentence(name or str(count + 1), tokens, tags, first)


def _is_comment(line: str) -> bool:
    """Tell a comment from a token that begins with #.

    A comment is ``# key = value``, a bare ``#``, or ``# words`` that do not end in a tag; a line with a tab is a token.
    """
    if "\t" in line:
        return False
    if _KEY_COMMENT.match(line):
        return True
    columns = line.split(" ")
    return columns[0] == "#" and not is_legal_tag(columns[-1])


def _columns(line: str, path: Path, number: int) -> tuple[str, str]:
    # Only tab and blank separate: str.split() would cut at U+00A0 inside a token.
    columns = line.strip(" \t").split("\t") if "\t" in line.strip(" \t") else re.split(" +", line.strip(" \t"))
    columns = [column.strip(" ") for column in columns]
    if len(columns) < 2 or not columns[0] or not columns[-1]:
        raise DataError(
            f"{path}:{number}: found {line!r}, a token and a tag are needed, with a tab or a blank between them"
        )
    return columns[0], columns[-1]


def join_tokens(tokens: Sequence[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the text of tokens joined by one blank, and the offsets of each token in it.

    Offsets leave out blanks at a token's edge (U+00A0 after a name): gold and predicted entities are both read through
    them, and neither may begin or end with a blank. No token may consist of blanks alone.
    """
    offsets = []
    position = 0
    for token in tokens:
        left = len(token) - len(token.lstrip())
        offsets.append((position + left, position + len(token.rstrip())))
        position += len(token) + 1
    return " ".join(tokens), tuple(offsets)


def without_blank_tokens(
    tokens: Sequence[str], tags: Sequence[str], account: Counter[str]
) -> tuple[list[str], list[str]]:
    """Drop tokens that consist of blanks alone, with their tags, and count them."""
    kept = [index for index, token in enumerate(tokens) if token.strip()]
    if len(kept) < len(tokens):
        account["blank_tokens_dropped"] += len(tokens) - len(kept)
    return [tokens[index] for index in kept], [tags[index] for index in kept]


def read_conll(path: Path, language: str) -> Reading:
    """Read a CoNLL file; the account counts illegal transitions read by conlleval's rules.

    :raises DataError: a malformed line, or a tag that is not O, B-X, I-X, E-X or S-X.
    """
    account: Counter[str] = Counter()
    sentences = []
    for tagged in tagged_sentences(path):
        for offset, tag in enumerate(tagged.tags):
            if not is_legal_tag(tag):
                raise DataError(
                    f"{path}:{tagged.line + offset}: found tag {tag!r}; allowed: O, or B-, I-, E-, S- and a label"
                )
        tokens, tags = without_blank_tokens(tagged.tokens, tagged.tags, account)
        if not tokens:
            account["empty_sentences_dropped"] += 1
            continue
        text, offsets = join_tokens(tokens)
        # In IOB1 an entity opens with I-X, so this counts those too; it says how much rests on the rule.
        account["i_tags_opening_an_entity"] += illegal_transitions(tags)
        spans = clean_spans(text, spans_from_tags(tags, offsets), account, f"{path}:{tagged.line}")
        sentences.append(Sentence(tagged.id, text, language, spans, offsets))
    return Reading(tuple(sentences), +account)
