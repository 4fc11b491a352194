"""What the tests of several files share."""

from pathlib import Path

from harness.corpora.readers import READERS
from harness.values.records import Sentence


def read(name: str, path: Path, content: str | bytes) -> list[Sentence]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(READERS[name](path, "en").sentences)
