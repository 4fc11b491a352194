"""What all readers of tokens with tags share: empty tokens, prefixes of PAN-X, tags of no entity, the text they make.

CoNLL files, JSON rows and tables come to the same sentence through :func:`sentence_from_tags`, so that a defect is
handled, and counted, alike wherever it stands.
"""

import re
from collections.abc import Iterable, Sequence

from harness.corpora.readers.text import clean_spans, clean_text
from harness.values.account import Account
from harness.values.errors import DataError, shown
from harness.values.labels import OUTSIDE, illegal_transitions, is_legal_tag, join_tokens, spans_from_tags
from harness.values.records import Sentence

ALLOWED = "allowed: O, or B-, I-, E-, S- and a label"

NO_ENTITY = re.compile(r"[BIES]-O")
"""Tags such as UNER's ``B-O``: the annotation tool's way to say that an entity was taken back."""

_PREFIX = re.compile(r"((?:[a-z]{2,3}(?:-[a-z0-9]+)*|simple):)(?s:.*)")
"""PAN-X writes the Wikipedia's code before each token: ``sv:Lund``, ``zh-classical:天``."""


def without_blank_tokens(tokens: Sequence[str], tags: Sequence[str], account: Account) -> tuple[list[str], list[str]]:
    """Drop tokens that consist of blanks alone, with their tags, and count them."""
    kept = [index for index, token in enumerate(tokens) if token.strip()]
    if len(kept) < len(tokens):
        account["blank_tokens_dropped"] += len(tokens) - len(kept)
    return [tokens[index] for index in kept], [tags[index] for index in kept]


def without_empty_tokens(
    tokens: Sequence[str], tags: Sequence[object], account: Account
) -> tuple[list[str], list[object]]:
    """Drop tokens that are empty, with their tags, which may be missing too, and count them."""
    kept = [index for index, token in enumerate(tokens) if token]
    if len(kept) < len(tokens):
        account["empty_tokens_dropped"] += len(tokens) - len(kept)
    return [tokens[index] for index in kept], [tags[index] for index in kept]


def legal_tags(tags: Sequence[object], account: Account, where: str) -> list[str]:
    """Return tags as they can be read; ``B-O`` and ``I-O`` are O, and counted.

    :raises DataError: a tag is not O, B-X, I-X, E-X or S-X.
    """
    legal = []
    for tag in tags:
        if not isinstance(tag, str) or not is_legal_tag(tag):
            raise DataError(f"{where}: found tag {shown(tag)}; {ALLOWED}")
        if NO_ENTITY.fullmatch(tag):
            account["tags_of_no_entity_read_as_o"] += 1
            tag = OUTSIDE
        legal.append(clean_text(tag, account))
    return legal


def token_texts(tokens: Iterable[object], account: Account, where: str) -> list[str]:
    """Return tokens as text; a missing one (null) is empty, and dropped with its tag later.

    :raises DataError: a token is a list, an object or a truth value.
    """
    texts = []
    for token in tokens:
        if token is None or (isinstance(token, float) and token != token):  # what tables make of an empty cell
            texts.append("")
        elif isinstance(token, bool) or not isinstance(token, str | int | float):
            raise DataError(f"{where}: found token {shown(token)}; a text is needed")
        else:
            texts.append(clean_text(str(token), account))
    return texts


def shared_prefix(tokens: Iterable[str]) -> str:
    """Return the language prefix with which every token of a file begins (``sv:``), or an empty string."""
    shared = ""
    count = 0
    for token in tokens:
        match = _PREFIX.fullmatch(token)
        if not match or (shared and match[1] != shared):
            return ""
        shared = match[1]
        count += 1
    return shared if count > 1 else ""  # a single token such as ``tel:112`` proves nothing


def without_prefix(tokens: Sequence[str], prefix: str, account: Account) -> list[str]:
    """Take a language prefix off every token, and count them."""
    if prefix:
        account["language_prefixes_removed"] += len(tokens)
    return [token[len(prefix) :] for token in tokens]


def sentence_from_tags(
    name: str,
    tokens: Sequence[str],
    tags: Sequence[str],
    language: str,
    account: Account,
    where: str,
    document: str = "",
) -> Sentence | None:
    """Return a sentence of tokens and legal tags; nothing where no token is left (counted).

    :param name: the sentence's id.
    :param document: the document it is part of.
    """
    kept, kept_tags = without_blank_tokens(tokens, tags, account)
    if not kept:
        account["empty_sentences_dropped"] += 1
        return None
    # In IOB1 an entity opens with I-X, so this counts those too; it says how much rests on the rule.
    account["iob1_openings"] += illegal_transitions(kept_tags)
    text, offsets = join_tokens(kept)
    spans = clean_spans(text, spans_from_tags(kept_tags, offsets), account, where)
    return Sentence(name, text, language, spans, offsets, document=document)
