"""Tagging files with an exported model: ``harness predict``."""

import sys
from pathlib import Path

from harness.corpora.catalogue import read_texts
from harness.corpora.readers.text import decode, split_lines
from harness.model.trained import load_tagger
from harness.values.account import Account
from harness.values.interchange import with_predictions
from harness.values.records import Sentence


def read_input(file: Path | None, language: str, format_name: str | None) -> tuple[list[Sentence], Account]:
    """Read what is to be tagged, without its entities.

    :param file: any file that ``data convert`` reads; lines of standard input without one.
    :returns: the sentences, and what the reader repaired or dropped.
    """
    if file is not None:
        reading = read_texts(file, language, format_name)
        return [sentence.with_spans(()) for sentence in reading.sentences], reading.account
    lines = [line.strip() for line in split_lines(decode(sys.stdin.buffer.read(), "standard input"))]
    return [Sentence(str(number), line, language) for number, line in enumerate(lines, 1)], Account()


def tag(folder: Path, sentences: list[Sentence]) -> list[Sentence]:
    """Return the sentences with the entities that an exported model finds.

    :raises DataError: the folder holds no model, or a damaged one.
    """
    return with_predictions(sentences, load_tagger(folder).predict(sentences).spans)
