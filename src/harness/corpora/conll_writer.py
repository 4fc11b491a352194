"""Writing corpora as two-column CoNLL (IOB2); JSON lines are :mod:`harness.values.interchange`."""

import re
from collections.abc import Iterable

from harness.corpora.readers.conll import DOCUMENT_START
from harness.values.account import Account
from harness.values.labels import tags_from_spans
from harness.values.languages import word_offsets
from harness.values.records import Sentence

WRITERS = ("jsonl", "conll")


def conll_text(sentences: Iterable[Sentence]) -> tuple[str, Account]:
    """Return two-column CoNLL, and what it could not express.

    Raw text is cut by :func:`harness.values.languages.word_offsets`; a span whose edge lies inside a token grows to the
    token, and is counted. A sentence without a token is dropped, and counted: CoNLL cannot hold it. Tabs and line
    breaks inside a token, and in an id, become blanks. Unknown regions have no tag and are left out. All of it is
    counted.
    """
    blocks = []
    account = Account()
    for sentence in sentences:
        tokens = sentence.tokens if sentence.tokens is not None else word_offsets(sentence.text)
        if not tokens:
            account["empty_sentences_dropped"] += 1
            continue
        account["unknown_regions_dropped"] += len(sentence.unknown)
        tags, inexact = tags_from_spans(sentence.spans, tokens)
        lost = sum(not any(start < span.end and span.start < end for start, end in tokens) for span in sentence.spans)
        account["spans_without_a_token_dropped"] += lost
        account["spans_widened_to_tokens"] += inexact - lost
        rows: list[str] = []
        for (start, end), tag in zip(tokens, tags, strict=True):
            token = _one_line(sentence.text[start:end])
            account["tokens_with_tabs_or_line_breaks_changed"] += token != sentence.text[start:end]
            if token == DOCUMENT_START and not rows:
                token = token.lstrip("-")
                account["tokens_like_a_document_mark_changed"] += 1
            rows.append(f"{token}\t{_one_line(tag)}")
        blocks.append(f"# id = {_one_line(sentence.id)}\n" + "\n".join(rows) + "\n")
    return "\n".join(blocks), account.nonzero()


def _one_line(text: str) -> str:
    return re.sub(r"[\t\r\n]+", " ", text)
