"""Plain text, one sentence a line, no labels: translations that a user already has.

Blank lines are kept as empty sentences, because line N belongs to sentence N of another file.
"""

from pathlib import Path

from harness.corpora.readers.reading import Reading, text_lines
from harness.records import Sentence


def read_lines(path: Path, language: str) -> Reading:
    """Read one sentence a line, outer blanks removed; ids count from 1."""
    return Reading(
        tuple(Sentence(str(number), line.strip(), language) for number, line in enumerate(text_lines(path), 1))
    )
