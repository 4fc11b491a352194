"""What the tests of several files share."""

from pathlib import Path

from harness.config import FileSource
from harness.corpora.catalogue import read_source
from harness.corpora.readers import READERS


def read_file(path: Path, content: str | bytes, name: str = "conll", **keys: object):  # type: ignore[no-untyped-def]
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    reading = read_source(FileSource(path=str(path), format=name, **keys), "sv", path.parent)  # type: ignore[arg-type]
    return reading, [(s.text, [(s.surface(span), span.label) for span in s.spans]) for s in reading.sentences]


ANNA = [("Anna bor i Lund", [("Anna", "PER"), ("Lund", "LOC")])]


JSON_ANNA = {"text": "Anna bor i Lund"}


def brat(tmp_path: Path, text: bytes, annotations: str):  # type: ignore[no-untyped-def]
    (tmp_path / "1.txt").write_bytes(text)
    (tmp_path / "1.ann").write_text(annotations, encoding="utf-8")
    reading = READERS["brat"](tmp_path, "en")
    return reading, [sentence.surface(span) for sentence in reading.sentences for span in sentence.spans]
