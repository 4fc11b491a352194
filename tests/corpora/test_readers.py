import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpora.conll_writer import conll_text
from harness.corpora.readers import READERS, reader_for
from harness.values.errors import DataError
from harness.values.interchange import as_lines
from harness.values.records import Sentence, Span


def read(name: str, path: Path, content: str | bytes) -> list[Sentence]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(READERS[name](path, "en").sentences)


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


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file: .*nowhere.conll"):
        READERS["conll"](tmp_path / "nowhere.conll", "en")


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


def test_jsonl_trims_blanks_off_spans_and_counts_it(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"text": "a Rome b", "spans": [{"start": 1, "end": 7, "label": "LOC"}]}))
    reading = READERS["jsonl"](path, "en")
    assert reading.sentences[0].spans == (Span(2, 6, "LOC"),)
    assert reading.account == {"spans_trimmed": 1}


def test_half_characters_of_broken_escapes_are_replaced_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(
        '{"text": "a\\ud83d Rome", "spans": [{"start": 3, "end": 7, "label": "LOC"}]}\n'
        '{"tokens": ["a", "\\udc00b"], "ner_tags": ["O", "B-LOC"]}\n'
    )
    reading = READERS["jsonl"](path, "en")
    assert [sentence.text for sentence in reading.sentences] == ["a\ufffd Rome", "a \ufffdb"]
    assert reading.account == {"lone_surrogates_replaced": 2}


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("{", "x.jsonl:1: not JSON"),
        ("[1]", "item 1 is int"),
        ('{"spans": []}', "'text' is missing"),
        ('{"text": "a", "spans": [{"start": 0}]}', "is needed"),
        ('{"text": "a", "spans": [{"start": 0, "end": 9, "label": "X"}]}', "outside the text of 1 characters"),
        ('{"tokens": ["a", "b"], "ner_tags": ["O"]}', "2 tokens and 1 tags"),
        ('{"tokens": ["a"], "ner_tags": [0]}', "write integers as names"),
    ],
)
def test_jsonl_faults_name_the_line(row: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=fault):
        read("jsonl", tmp_path / "x.jsonl", row)


def test_doccano_offsets_may_be_unsorted(tmp_path: Path) -> None:
    row = {"id": 3, "text": "Iron 5 mg", "label": [[5, 9, "Strength"], [0, 4, "Drug"]]}
    (sentence,) = read("doccano", tmp_path / "x.jsonl", json.dumps(row))
    assert sentence.spans == (Span(0, 4, "Drug"), Span(5, 9, "Strength"))


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


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(DataError, match="'connl' is unknown; .*did you mean 'conll'"):
        reader_for("connl")


TEXT = st.text(st.sampled_from("ab é阿ع\u0301\u00a0😀\u2028\u200d-#"), min_size=1, max_size=20)


@given(TEXT, st.data())
def test_sentences_survive_json_lines_and_back(
    tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    spans = () if text[start].isspace() or text[end - 1].isspace() else (Span(start, end, "X"),)
    sentence = Sentence("1", text, "en", spans)
    path = tmp_path_factory.mktemp("round") / "x.jsonl"
    path.write_text(as_lines([sentence]), encoding="utf-8")
    assert READERS["jsonl"](path, "en").sentences == (sentence,)


@given(
    st.lists(
        st.tuples(st.text("ab阿é#", min_size=1, max_size=3), st.sampled_from(["O", "B-X", "B-Y"])),
        min_size=1,
        max_size=6,
    )
)
def test_sentences_survive_conll_and_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("round")
    (folder / "a.conll").write_text("".join(f"{token}\t{tag}\n" for token, tag in rows), encoding="utf-8")
    first = READERS["conll"](folder / "a.conll", "en").sentences
    text, lost = conll_text(first)
    (folder / "b.conll").write_text(text, encoding="utf-8")
    assert READERS["conll"](folder / "b.conll", "en").sentences == first
    assert not lost


def test_conll_counts_the_spans_it_must_widen() -> None:
    text, lost = conll_text([Sentence("1", "unhappy", "en", (Span(2, 7, "X"),))])
    assert text == "# id = 1\nunhappy\tB-X\n"
    assert lost == {"spans_widened_to_tokens": 1}
