"""Plain text, one sentence a line, no labels: translations that a user already has.

Blank lines are kept as empty sentences, because line N belongs to sentence N of another file.
"""

from pathlib import Path

from harness.corpora.readers.text import Reading, clean_text, text_lines
from harness.machine.process import collector_paused
from harness.values.account import Account
from harness.values.records import Sentence


@collector_paused()
def read_lines(path: Path, language: str) -> Reading:
    """Read one sentence a line, outer blanks removed; ids count from 1."""
    account = Account()
    sentences = tuple(
        Sentence(str(number), clean_text(line.strip(), account), language)
        for number, line in enumerate(text_lines(path, account), 1)
    )
    return Reading(sentences, account.nonzero())
