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
    WordPair(("tablet",) * 2000, ("tableta",) * 1900),
    WordPair(("a", "😀", "day"), ("un", "😀", "día")),
    WordPair(("hello", "world"), ("مرحبا", "بالعالم")),
    WordPair(("...", "!?"), ("...", "!?")),
    WordPair(("[a]", "<b>x</b>", "0-0"), ("[a]", "<b>x</b>", "0-0")),
]
"""Ordinary, empty, half empty, one word, 2,000 words, emoji, right-to-left, punctuation alone, marks in the text."""


def has_eflomal() -> bool:
    return (Path(sys.executable).with_name("eflomal-align")).is_file() or bool(shutil.which("eflomal-align"))
