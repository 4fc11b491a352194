"""Files as people really have them: other columns, other offsets, other tools. Every repair and drop is counted."""

from pathlib import Path

import pytest

from harness.config import FileSource
from harness.corpora.catalogue import read_source, read_texts
from harness.corpora.conll_writer import conll_text
from harness.values.errors import DataError
from harness.values.records import Sentence, Span
from tests.corpora.readers_cases import read
from tests.corpora.repairs_cases import read_file


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("tabs", "Anna\tB-PER\nLee\tI-PER\nsaw\tO\nRome\tB-LOC\n"),
        ("blanks", "Anna B-PER\nLee I-PER\nsaw O\nRome B-LOC\n"),
        ("IOB1", "Anna I-PER\nLee I-PER\nsaw O\nRome I-LOC\n"),
        ("BIOES", "Anna B-PER\nLee E-PER\nsaw O\nRome S-LOC\n"),
        ("CRLF, BOM, DOCSTART", "\ufeff-DOCSTART- -X- O O\r\n\r\nAnna B-PER\r\nLee I-PER\r\nsaw O\r\nRome B-LOC\r\n"),
        ("comments", "# sent_id = 7\n# text = Anna Lee saw Rome\nAnna B-PER\nLee I-PER\nsaw O\nRome B-LOC\n"),
        ("four columns", "Anna NNP x B-PER\nLee NNP x I-PER\nsaw VBD x O\nRome NNP x B-LOC\n"),
        ("no newline at the end", "Anna B-PER\nLee I-PER\nsaw O\nRome B-LOC"),
    ],
)
def test_conll_in_every_dress(what: str, content: str, tmp_path: Path) -> None:
    (sentence,) = read("conll", tmp_path / "x.conll", content)
    assert sentence.text == "Anna Lee saw Rome"
    assert sentence.spans == (Span(0, 8, "PER"), Span(13, 17, "LOC"))
    assert sentence.tokens == ((0, 4), (5, 8), (9, 12), (13, 17))


def test_conll_ids_come_from_comments_else_from_the_count(tmp_path: Path) -> None:
    sentences = read("conll", tmp_path / "x.conll", "# id = news-7\na O\n\n\nb O\n")
    assert [sentence.id for sentence in sentences] == ["news-7", "2"]


def test_conll_keeps_tokens_with_odd_blanks_whole(tmp_path: Path) -> None:
    (sentence,) = read("conll", tmp_path / "x.conll", "10\u00a0000\tB-X\nkr\u2028\tO\n#\tO\n# O\n")
    assert [sentence.text[a:b] for a, b in sentence.tokens or ()] == [
        "10\u00a0000",
        "kr",
        "#",
        "#",
    ]  # edges lose blanks


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("a O\nb\n", r"x.conll:2: found 'b', a token and a tag"),
        ("a O\nb X-PER\n", r"x.conll:2: found tag 'X-PER'; allowed"),
        ("a B-\n", "found tag 'B-'"),
        (b"a O\n\xff O\n", r"x.conll:2: not UTF-8 \(byte 0xff\)"),
    ],
)
def test_conll_faults_name_file_and_line(content: str | bytes, fault: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=fault):
        read("conll", tmp_path / "x.conll", content)


def test_multiconer_ids_are_kept_and_a_hash_with_a_tab_stays_a_token(tmp_path: Path) -> None:
    reading, texts = read_file(
        tmp_path / "x.conll", "# id 11-aa\tdomain=en\nanna _ _ B-PER\n\n#\tO\nx\tO\n\n# = y\tO\n"
    )
    assert [sentence.id for sentence in reading.sentences] == ["11-aa", "2", "3"]
    assert [text for text, _ in texts] == ["anna", "# x", "# = y"]


def test_a_mark_of_a_document_is_a_line_before_a_sentence_and_a_token_within_one(tmp_path: Path) -> None:
    _, texts = read_file(tmp_path / "x.conll", "-DOCSTART- O\n\nAnna B-PER\n-DOCSTART- O\n")
    assert texts == [("Anna -DOCSTART-", [("Anna", "PER")])]
    sentence = Sentence("1", "-DOCSTART- x", "sv", (), ((0, 10), (11, 12)))
    text, account = conll_text([sentence])
    _, again = read_file(tmp_path / "y.conll", text)
    assert [one.split() for one, _ in again] == [["DOCSTART-", "x"]]
    assert account["tokens_like_a_document_mark_changed"] == 1


def test_a_conll_file_of_tokens_alone_is_text_to_tag_and_no_gold(tmp_path: Path) -> None:
    path = tmp_path / "x.conll"
    path.write_text("# id = a\nAnna\nslept\n\n1\n2\n")
    reading = read_texts(path, "en")
    assert [(sentence.text, len(sentence.tokens or ())) for sentence in reading.sentences] == [
        ("Anna slept", 2),
        ("1 2", 2),
    ]
    assert reading.account == {"untagged_tokens_passed_over": 4}
    with pytest.raises(DataError, match="a token and a tag are needed"):
        read_source(FileSource(path=str(path)), "en", tmp_path)
