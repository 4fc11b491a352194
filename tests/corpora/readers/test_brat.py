"""Files as people really have them: other columns, other offsets, other tools. Every repair and drop is counted."""

from pathlib import Path

import pytest

from harness.corpora.readers import READERS
from harness.values.errors import DataError
from tests.corpora.repairs_cases import brat


def test_brat_cuts_sentences_and_counts_what_it_joins_and_drops(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_text("Take iron\n5 mg daily. Stop it.\n\nRest well.\n", encoding="utf-8")
    (tmp_path / "1.ann").write_text(
        "T1\tDrug 5 9\tiron\nT2\tStrength 10 11;12 14\t5 mg\nT3\tFrequency 15 20\tdaily\n"
        "T4\tReason 5 14\tiron 5 mg\nR1\tX Arg1:T1 Arg2:T2\nThe rest of a note\n#1\tNote T1\tx\n"
    )
    reading = READERS["brat"](tmp_path, "en")
    assert [sentence.text for sentence in reading.sentences] == ["Take iron\n5 mg daily.", "Stop it.", "Rest well."]
    first = reading.sentences[0]
    # T4 (9 characters) covers T1 and T2: the longest is kept.
    assert [(first.surface(span), span.label) for span in first.spans] == [
        ("iron\n5 mg", "Reason"),
        ("daily", "Frequency"),
    ]
    assert reading.account == {
        "discontinuous_annotations_joined": 1,
        "other_lines_passed_over": 1,
        "overlapping_annotations_dropped/Drug": 1,
        "overlapping_annotations_dropped/Strength": 1,
    }


def test_brat_faults(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found no \.txt file"):
        READERS["brat"](tmp_path, "en")
    (tmp_path / "1.txt").write_text("x")
    with pytest.raises(DataError, match="1 of 1 documents lack their annotations"):
        READERS["brat"](tmp_path, "en")


@pytest.mark.parametrize(
    ("rule", "text", "first", "second"),
    [
        ("", b"Take iron.\nMore zinc.", "5 9", "16 20"),
        ("crlf_as_one", b"Take iron.\r\nMore zinc.", "5 9", "16 20"),
        ("lf_as_two", b"Take iron.\nMore zinc.", "5 9", "17 21"),
        ("byte_order_mark", b"\xef\xbb\xbfTake iron.\nMore zinc.", "6 10", "17 21"),
        ("utf16", "😀ake iron.\nMore zinc.".encode(), "6 10", "17 21"),
        ("bytes", "Také iron.\nMore zinc.".encode(), "6 10", "17 21"),
        ("utf16_and_crlf_as_one", "😀ake iron.\r\nMore zinc.".encode(), "6 10", "17 21"),
    ],
)
def test_brat_offsets_are_checked_against_their_texts(
    rule: str, text: bytes, first: str, second: str, tmp_path: Path
) -> None:
    reading, surfaces = brat(tmp_path, text, f"T1\tDrug {first}\tiron\nT2\tDrug {second}\tzinc\n")
    assert surfaces == ["iron", "zinc"]
    assert reading.account == ({f"offsets_shifted/{rule}": 2} if rule else {})


def test_brat_offsets_that_no_rule_explains_are_refused_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"1.ann:2: Drug 0 4 should cover 'zinc' and the text there is 'Take'"):
        brat(tmp_path, b"Take iron.\nMore zinc.", "T1\tDrug 5 9\tiron\nT2\tDrug 0 4\tzinc\n")
