"""What the tests of several files share."""

import shutil
import sys
from pathlib import Path

from harness.transfer.align.contract import WordPair

PAIRS = [
    WordPair(("the", "house", "is", "red"), ("la", "casa", "es", "roja")),
    WordPair((), ()),
    WordPair(("Rome",), ()),
    WordPair(("Rome",), ("Roma",)),
    WordPair(("tablet",) * 1100, ("tableta",) * 1050),
    WordPair(("a", "😀", "day"), ("un", "😀", "día")),
    WordPair(("hello", "world"), ("مرحبا", "بالعالم")),
    WordPair(("...", "!?"), ("...", "!?")),
    WordPair(("[a]", "<b>x</b>", "0-0"), ("[a]", "<b>x</b>", "0-0")),
]
"""Ordinary, empty, half empty, one word, more words than any program reads at once (1,024), emoji, right-to-left, punctuation alone, marks in the text."""


def has_eflomal() -> bool:
    return (Path(sys.executable).with_name("eflomal-align")).is_file() or bool(shutil.which("eflomal-align"))
