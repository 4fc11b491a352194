"""Files as people really have them: other columns, other offsets, other tools. Every repair and drop is counted."""

from pathlib import Path

import pytest

from harness.values.errors import DataError
from harness.values.records import Span
from tests.corpora.readers_cases import read
from tests.corpora.repairs_cases import read_file


def test_inline_tags_and_what_only_looks_like_them(tmp_path: Path) -> None:
    (sentence,) = read("inline", tmp_path / "x.txt", "if < 5 <DRUG>Iron</DRUG> <b>now</b>\n")
    assert sentence.text == "if < 5 Iron <b>now</b>"
    assert sentence.spans == (Span(7, 11, "DRUG"),)


@pytest.mark.parametrize(
    ("line", "fault"),
    [("<A>x", "<A> is never closed"), ("<A>x</B>", "found </B> where </A>"), ("<A><B>x</B></A>", "<B> inside <A>")],
)
def test_inline_faults_name_the_line(line: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"x.txt:2: .*{fault}"):
        read("inline", tmp_path / "x.txt", f"fine\n{line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "<drug>Iron</drug> now",
        "< DRUG >Iron</ DRUG > now",
        "[DRUG]Iron[/DRUG] now",
        '<ENAMEX TYPE="drug">Iron</ENAMEX> now',
        "<DRUG>Iron</drug> now",
    ],
)
def test_inline_tags_in_other_spellings_are_read_and_counted(line: str, tmp_path: Path) -> None:
    reading, texts = read_file(tmp_path / "x.txt", line, "inline")
    assert [(text, [(surface, label.upper()) for surface, label in spans]) for text, spans in texts] == [
        ("Iron now", [("Iron", "DRUG")])
    ]
    assert reading.account["inline_tags_in_other_spellings"] > 0


def test_brackets_that_are_no_tags_stay_text_and_are_counted(tmp_path: Path) -> None:
    reading, texts = read_file(tmp_path / "x.txt", "a <b>c</b> <unit> [x] < 5", "inline")
    assert texts == [("a <b>c</b> <unit> [x] < 5", [])]
    assert reading.account == {"brackets_kept_as_text": 3}


def test_inline_tags_in_braces_are_read_and_a_spelling_that_is_not_is_refused(tmp_path: Path) -> None:
    _, texts = read_file(tmp_path / "x.txt", "Ta {DRUG}Alvedon{/DRUG} nu\n", "inline")
    assert texts == [("Ta Alvedon nu", [("Alvedon", "DRUG")])]
    with pytest.raises(DataError, match=r"x\.txt:1: found '\[Alvedon\]\(drug\)', and no tag of the file could be read"):
        read_file(tmp_path / "x.txt", "Ta [Alvedon](drug) nu\n", "inline")
