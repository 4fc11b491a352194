"""Files as people really have them: other columns, other offsets, other tools. Every repair and drop is counted."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import FileSource
from harness.corpora.catalogue import read_source, read_texts
from harness.corpora.conll_writer import conll_text
from harness.corpora.readers import READERS
from harness.corpora.readers.offsets import RULES, UTF16, rule_for_surfaces, utf16_explains
from harness.values.errors import DataError, FileError
from harness.values.interchange import as_lines
from harness.values.records import Sentence, Span


def read(path: Path, content: str | bytes, name: str = "conll", **keys: object):  # type: ignore[no-untyped-def]
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    reading = read_source(FileSource(path=str(path), format=name, **keys), "sv", path.parent)  # type: ignore[arg-type]
    return reading, [(s.text, [(s.surface(span), span.label) for span in s.spans]) for s in reading.sentences]


ANNA = [("Anna bor i Lund", [("Anna", "PER"), ("Lund", "LOC")])]


@pytest.mark.parametrize(
    ("what", "content", "account"),
    [
        # number, token, outer layer, inner layer (GermEval 2014), its comment with tabs
        (
            "two layers",
            "#\thttp://x.org\t[2011-02-03]\n1\tAnna\tB-PER\tO\n2\tbor\tO\tO\n3\ti\tO\tO\n4\tLund\tB-LOC\tB-LOCderiv\n",
            {"token_numbers_passed_over": 4, "second_layer_entities_dropped": 1},
        ),
        # number, token, tag, -, annotator, rows of several lengths (UNER)
        (
            "ragged",
            "# sent_id = d-1\n# text = Anna bor i Lund\n1\tAnna\tB-PER\t-\tx\n2\tbor\tO\n3\ti\tO\n4\tLund\tB-LOC\t-\tx\n",
            {"token_numbers_passed_over": 4},
        ),
        # numbered from 0, the tag last and alone
        ("from 0", "0 Anna NN B-PER\n1 bor VB O\n2 i IN O\n3 Lund NN B-LOC\n", {"token_numbers_passed_over": 4}),
        # CoNLL-U: a multiword range and an empty node are no words; the tag in MISC, other keys beside it
        (
            "CoNLL-U",
            "# sent_id = 1\n1\tAnna\t_\t_\t_\t_\t_\t_\t_\tNER=B-PER|SpaceAfter=No\n2-3\tbori\t_\t_\t_\t_\t_\t_\t_\t_\n"
            "2\tbor\t_\t_\t_\t_\t_\t_\t_\t_\n3\ti\t_\t_\t_\t_\t_\t_\t_\tNER=O\n3.1\tx\t_\t_\t_\t_\t_\t_\t_\t_\n"
            "4\tLund\t_\t_\t_\t_\t_\t_\t_\tNER=B-LOC\n",
            {"token_numbers_passed_over": 4, "multiword_lines_passed_over": 2},
        ),
        ("PAN-X", "sv:Anna\tB-PER\nsv:bor\tO\nsv:i\tO\nsv:Lund\tB-LOC\n", {"language_prefixes_removed": 4}),
        ("long code", "zh-classical:Anna B-PER\nzh-classical:bor O\nzh-classical:i O\nzh-classical:Lund B-LOC\n",
         {"language_prefixes_removed": 4}),
        ("B-O", "Anna B-PER\nbor B-O\ni I-O\nLund B-LOC\n", {"tags_of_no_entity_read_as_o": 2}),
        ("UTF-16", "Anna B-PER\nbor O\ni O\nLund B-LOC\n".encode("utf-16"), {"utf16_files_decoded": 1}),
        ("annotators' column", "Anna B-PER - x\nbor O - x\ni O - x\nLund B-LOC - x\n", {}),
    ],
)  # fmt: skip
def test_conll_columns_are_found(what: str, content: str | bytes, account: dict[str, int], tmp_path: Path) -> None:
    reading, texts = read(tmp_path / "x.conll", content)
    assert texts == ANNA
    assert reading.account == account


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        # chunks and entities both look like tags
        ("1 Anna NNP I-NP I-PER\n2 bor VBD I-VP O\n", "counts 1, 2, 3 …, and 2 columns .4, 5. hold tags.*token_column"),
        ("1 Anna NNP x\n2 bor VBD y\n", "no column seems to hold tags"),
        ("1 B-PER\n2 O\n", "counts 1, 2, 3 … and only 1 follows"),
        (
            "1\tA\t_\t_\t_\t_\t_\t_\t_\tX=1\n2\tB\t_\t_\t_\t_\t_\t_\t_\t_\n",
            "no key of its MISC column holds tags .*found 'X'",
        ),
        ("Anna\tB-PER\n\tO\n", "x.conll:2: found '.tO', a token and a tag"),
        # two sentences without the blank line between them; the name of a document before every token; two layers
        ("1 Anna B-PER\n2 bor O\n1 Bo B-PER\n2 bor O\n", "blank lines that are missing or too many"),
        ("d1 Anna B-PER\nd1 bor O\n\nd2 Bo B-PER\nd2 bor O\n", "stays the same within every sentence"),
        ("Anna B-PER O\nbor O O\nLund B-LOC B-LOCderiv\n", "columns 2 and 3 both hold tags"),
        ("Anna\tNN\tB-PER\n\t:\tO\n", "x.conll:2: found '.t:.tO', a token and a tag"),  # : is no word
        ("Anna U-PER\n", "found tag 'U-PER'; allowed"),
        ("A\n".encode("utf-16-le"), "UTF-16 without a byte-order mark"),
    ],
)
def test_what_stays_ambiguous_is_refused(content: str | bytes, fault: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=fault):
        read(tmp_path / "x.conll", content)


def test_a_card_says_which_columns_count(tmp_path: Path) -> None:
    chunks = "1 Anna NNP I-NP I-PER\n2 bor VBD I-VP O\n3 i IN I-PP O\n4 Lund NNP I-NP I-LOC\n"
    assert read(tmp_path / "x.conll", chunks, token_column=2, tag_column=5)[1] == ANNA
    assert read(tmp_path / "x.conll", chunks, tag_column=-1)[1] == ANNA  # the token beside the numbers
    numbers = "1 B-X\n2 O\n"
    assert read(tmp_path / "x.conll", numbers, token_column=1, tag_column=2)[1] == [("1 2", [("1", "X")])]
    misc = "1\tAnna\t_\t_\t_\t_\t_\t_\t_\tent=B-PER\n2\tler\t_\t_\t_\t_\t_\t_\t_\t_\n"
    assert read(tmp_path / "x.conllu", misc, tag_column="ent")[1] == [("Anna ler", [("Anna", "PER")])]
    with pytest.raises(DataError, match="belong to format conll"):
        read(tmp_path / "x.txt", "a", "lines", tag_column=2)


def test_multiconer_ids_are_kept_and_a_hash_with_a_tab_stays_a_token(tmp_path: Path) -> None:
    reading, texts = read(tmp_path / "x.conll", "# id 11-aa\tdomain=en\nanna _ _ B-PER\n\n#\tO\nx\tO\n\n# = y\tO\n")
    assert [sentence.id for sentence in reading.sentences] == ["11-aa", "2", "3"]
    assert [text for text, _ in texts] == ["anna", "# x", "# = y"]


JSON_ANNA = {"text": "Anna bor i Lund"}
SPANS = [{"start": 0, "end": 4, "label": "PER"}, {"start": 11, "end": 15, "label": "LOC"}]
LISTS = [[0, 4, "PER"], [11, 15, "LOC"]]
TOKENS = [{"text": "Anna", "start": 0, "end": 4, "id": 0, "ws": True}]


@pytest.mark.parametrize(
    ("what", "value", "account"),
    [
        ("label", {**JSON_ANNA, "label": LISTS}, {"annotations_read_from/label": 1}),
        ("entities", {**JSON_ANNA, "entities": SPANS}, {"annotations_read_from/entities": 1}),
        ("a key nobody knows", {**JSON_ANNA, "gold_mentions": SPANS}, {"annotations_read_from/gold_mentions": 1}),
        ("empty spans beside others", {**JSON_ANNA, "spans": [], "labels": LISTS}, {"annotations_read_from/labels": 1}),
        ("offsets by other names", {**JSON_ANNA, "entities": [
            {"start_offset": 0, "end_offset": 4, "label": "PER"}, {"start_offset": 11, "end_offset": 15, "label": "LOC"},
        ]}, {"annotations_read_from/entities": 1}),
        ("Prodigy", {**JSON_ANNA, "spans": SPANS, "tokens": TOKENS, "answer": "accept", "_input_hash": 1}, {}),
        ("Label Studio", {"id": 7, "data": {"text": JSON_ANNA["text"]}, "annotations": [
            {"was_cancelled": True, "result": []},
            {"result": [
                {"type": "labels", "value": {"start": 0, "end": 4, "text": "Anna", "labels": ["PER"]}},
                {"type": "labels", "value": {"start": 11, "end": 15, "text": "Lund", "labels": ["LOC"]}},
                {"type": "choices", "value": {"choices": ["good"]}},
            ]},
            {"result": []},
        ]}, {"further_annotations_dropped": 1, "results_other_than_spans_passed_over": 1}),
        ("Label Studio, short", {**JSON_ANNA, "label": [
            {"start": 0, "end": 4, "text": "Anna", "labels": ["PER"]}, {"start": 11, "end": 15, "labels": ["LOC"]},
        ]}, {"annotations_read_from/label": 1}),
        ("null and empty tokens", {"tokens": ["Anna", None, "bor", "", "i", "Lund"],
                                   "ner_tags": ["B-PER", "O", "O", "O", "O", "B-LOC"]}, {"empty_tokens_dropped": 2}),
        ("an entity O", {**JSON_ANNA, "spans": [*SPANS, {"start": 5, "end": 8, "label": "O"}]},
         {"spans_of_no_entity_dropped": 1}),
    ],
)  # fmt: skip
def test_annotations_of_other_tools_are_read(
    what: str, value: dict[str, object], account: dict[str, int], tmp_path: Path
) -> None:
    reading, texts = read(tmp_path / "x.jsonl", json.dumps(value), "jsonl")
    assert texts == ANNA
    assert reading.account == account


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (JSON_ANNA, "no annotations: 'spans' is missing .found 'text'.*a sentence without entities has"),
        ({**JSON_ANNA, "label": "positive"}, "no annotations"),
        ({**JSON_ANNA, "spans": None, "label": None}, "'spans' is NoneType; a list is needed"),
        ({**JSON_ANNA, "spans": [{"start": 0, "end": 4, "label": ""}]}, "has no label"),
        ({**JSON_ANNA, "spans": [{"start": 0, "end": 4, "label": "PER", "text": "Bert"}]}, "not what the annotation says"),
        ({"text": "🚒 Anna", "spans": [{"start": 1, "end": 3, "label": "X"}, {"start": 3, "end": 99, "label": "X"}]}, "emoji"),
    ],
)  # fmt: skip
def test_a_text_that_lacks_its_annotations_is_refused(value: dict[str, object], fault: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=fault):
        read(tmp_path / "x.jsonl", json.dumps(value), "jsonl")


def test_a_text_to_be_tagged_needs_no_annotations(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(json.dumps(JSON_ANNA))
    assert [sentence.text for sentence in read_texts(tmp_path / "x.jsonl", "sv").sentences] == [JSON_ANNA["text"]]


def test_what_annotators_rejected_is_not_gold(tmp_path: Path) -> None:
    rows = [
        {"text": "Anna", "spans": [{"start": 0, "end": 4, "label": "ORG"}], "answer": "reject"},
        {"text": "Lund", "spans": [], "answer": "ignore"},
        {"text": "Lund", "spans": [{"start": 0, "end": 4, "label": "LOC"}], "answer": "accept"},
        {"data": {"text": "nobody"}, "annotations": []},
    ]
    reading, texts = read(tmp_path / "x.jsonl", json.dumps(rows), "jsonl")
    assert texts == [("Lund", [("Lund", "LOC")])]
    assert reading.account == {
        "answers_dropped/reject": 1,
        "answers_dropped/ignore": 1,
        "tasks_without_annotation_dropped": 1,
    }


def test_offsets_of_javascript_are_told_by_what_they_cut(tmp_path: Path) -> None:
    # Three fire engines are six units: in characters 7..11 would be "o bo".
    rows = [
        {"text": "🚒🚒🚒 Otto bor", "label": [[7, 11, "PER"]]},
        {"text": "Otto bor i Lund", "label": [[11, 15, "LOC"]]},
    ]
    reading, texts = read(tmp_path / "x.jsonl", "\n".join(map(json.dumps, rows)), "doccano")
    assert [spans for _, spans in texts] == [[("Otto", "PER")], [("Lund", "LOC")]]
    assert reading.account["offsets_shifted/utf16"] == 1
    # Right in characters: left alone, though Korean particles make it end inside a word.
    rows = [{"text": "🚒 서울에 간다", "label": [[2, 4, "LOC"]]}]
    _, texts = read(tmp_path / "x.jsonl", json.dumps(rows[0]), "doccano")
    assert texts[0][1] == [("서울", "LOC")]


@given(
    st.text(st.sampled_from("ab é😀\r\n中"), min_size=1, max_size=30),
    st.sampled_from(RULES),
    st.data(),
)
def test_every_rule_finds_the_characters_back(text: str, rule: object, data: st.DataObject) -> None:
    positions = rule.positions(text)  # type: ignore[attr-defined]
    counted = {index: place for place, index in sorted(positions.items(), reverse=True)}
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    if start in counted and end in counted:
        assert text[positions[counted[start]] : positions[counted[end]]] == text[start:end]


def test_a_span_inside_a_word_of_our_own_format_is_kept(tmp_path: Path) -> None:
    # In UTF-16 units the span would be the word 'b'; in characters it is inside 'aa', which our own files may hold.
    row = {"text": "😀😀aa b", "spans": [{"start": 5, "end": 6, "label": "X"}]}
    assert read(tmp_path / "x.jsonl", json.dumps(row), "jsonl")[1][0][1] == [("b", "X")]
    row["spans"] = [{"start": 3, "end": 4, "label": "X"}]
    assert read(tmp_path / "x.jsonl", json.dumps(row), "jsonl")[1][0][1] == [("a", "X")]


def test_utf16_is_not_guessed_where_characters_make_sense() -> None:
    assert not utf16_explains([("😀 Otto", [(2, 6)])])
    assert utf16_explains([("😀 Otto", [(3, 7)])])
    assert not utf16_explains([("😀 Otto", [(3, 7), (2, 6)])])  # neither explains both
    assert not utf16_explains([("Otto", [(1, 3)])])
    found = rule_for_surfaces("😀 Otto", [(3, 7)], ["Otto"])
    assert found is not None
    assert found[0] == UTF16


def brat(tmp_path: Path, text: bytes, annotations: str):  # type: ignore[no-untyped-def]
    (tmp_path / "1.txt").write_bytes(text)
    (tmp_path / "1.ann").write_text(annotations, encoding="utf-8")
    reading = READERS["brat"](tmp_path, "en")
    return reading, [sentence.surface(span) for sentence in reading.sentences for span in sentence.spans]


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


def test_a_folder_of_several_splits_is_refused(tmp_path: Path) -> None:
    for name in ("train-0", "validation-0", "test-0"):
        pq.write_table(pa.table({"tokens": [["Anna"]], "ner_tags": [["B-PER"]]}), tmp_path / f"{name}.parquet")
    with pytest.raises(FileError, match="holds the splits dev, test, train in 3 files"):
        read_source(FileSource(path=str(tmp_path)), "sv", tmp_path)
    reading = read_source(FileSource(path=str(tmp_path), files="train-*.parquet"), "sv", tmp_path)
    assert [sentence.text for sentence in reading.sentences] == ["Anna"]
    for split in ("train", "test"):
        (tmp_path / "brat" / split).mkdir(parents=True)
        (tmp_path / "brat" / split / "1.txt").write_text("x")
        (tmp_path / "brat" / split / "1.ann").write_text("")
    with pytest.raises(FileError, match="holds the splits test, train"):
        READERS["brat"](tmp_path / "brat", "en")


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
    reading, texts = read(tmp_path / "x.txt", line, "inline")
    assert [(text, [(surface, label.upper()) for surface, label in spans]) for text, spans in texts] == [
        ("Iron now", [("Iron", "DRUG")])
    ]
    assert reading.account["inline_tags_in_other_spellings"] > 0


def test_brackets_that_are_no_tags_stay_text_and_are_counted(tmp_path: Path) -> None:
    reading, texts = read(tmp_path / "x.txt", "a <b>c</b> <unit> [x] < 5", "inline")
    assert texts == [("a <b>c</b> <unit> [x] < 5", [])]
    assert reading.account == {"brackets_kept_as_text": 3}


def test_unknown_regions_survive_json_lines(tmp_path: Path) -> None:
    sentence = Sentence("1", "Anna bor i Lund", "sv", (Span(0, 4, "PER"),), None, ((11, 15),))
    (tmp_path / "x.jsonl").write_text(as_lines([sentence]), encoding="utf-8")
    assert READERS["jsonl"](tmp_path / "x.jsonl", "sv").sentences == (sentence,)
    assert conll_text([sentence])[1] == {"unknown_regions_dropped": 1}


def test_tokens_with_tabs_and_line_breaks_survive_conll_in_number(tmp_path: Path) -> None:
    row = {"tokens": ["Otto", "New\tYork", "a\nb"], "ner_tags": ["B-PER", "B-LOC", "O"]}
    reading, _ = read(tmp_path / "x.jsonl", json.dumps(row), "jsonl")
    text, account = conll_text(reading.sentences)
    assert account == {"tokens_with_tabs_or_line_breaks_changed": 2}
    assert read(tmp_path / "x.conll", text)[1] == [("Otto New York a b", [("Otto", "PER"), ("New York", "LOC")])]


@pytest.mark.parametrize(
    "content", ["[" * 100_000, '{"text": "a", "spans": [], "id": ' + "9" * 5000 + "}", '{"a":' * 9000]
)
def test_json_beyond_all_bounds_is_one_sentence(content: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path / "x.jsonl", content, "jsonl")
    assert len(str(caught.value)) < 1000


def test_surrogates_in_ids_and_labels_can_be_written(tmp_path: Path) -> None:
    row = '{"id": "\\ud800", "text": "Anna", "spans": [{"start": 0, "end": 4, "label": "P\\udc00"}]}'
    reading, _ = read(tmp_path / "x.jsonl", row, "jsonl")
    assert as_lines(reading.sentences).encode("utf-8")


def test_messages_have_a_readable_length(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path / "x.conll", "a" * 30_000 + "\n")
    assert len(str(caught.value)) < 1000
    assert "a token and a tag are needed" in str(caught.value)


def test_damaged_arrow_files_are_refused_before_a_value_is_read(tmp_path: Path) -> None:
    table = pa.table({"tokens": [["a", "b"], ["c"]], "ner_tags": [["O", "O"], ["O"]]})
    with pa.OSFile(str(tmp_path / "x.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    good = (tmp_path / "x.arrow").read_bytes()
    # The offsets of the lists: 0, 2, 3 as three int32; 2**30 points far outside.
    offsets = b"".join(number.to_bytes(4, "little") for number in (0, 2, 3))
    place = good.index(offsets)
    (tmp_path / "x.arrow").write_bytes(good[: place + 4] + (2**30).to_bytes(4, "little") + good[place + 8 :])
    with pytest.raises(FileError, match="not a readable table"):
        read_source(FileSource(path=str(tmp_path / "x.arrow")), "sv", tmp_path)


def test_a_mark_of_a_document_is_a_line_before_a_sentence_and_a_token_within_one(tmp_path: Path) -> None:
    _, texts = read(tmp_path / "x.conll", "-DOCSTART- O\n\nAnna B-PER\n-DOCSTART- O\n")
    assert texts == [("Anna -DOCSTART-", [("Anna", "PER")])]
    sentence = Sentence("1", "-DOCSTART- x", "sv", (), ((0, 10), (11, 12)))
    text, account = conll_text([sentence])
    _, again = read(tmp_path / "y.conll", text)
    assert [one.split() for one, _ in again] == [["DOCSTART-", "x"]]
    assert account["tokens_like_a_document_mark_changed"] == 1


def test_inline_tags_in_braces_are_read_and_a_spelling_that_is_not_is_refused(tmp_path: Path) -> None:
    _, texts = read(tmp_path / "x.txt", "Ta {DRUG}Alvedon{/DRUG} nu\n", "inline")
    assert texts == [("Ta Alvedon nu", [("Alvedon", "DRUG")])]
    with pytest.raises(DataError, match=r"x\.txt:1: found '\[Alvedon\]\(drug\)', and no tag of the file could be read"):
        read(tmp_path / "x.txt", "Ta [Alvedon](drug) nu\n", "inline")


def test_characters_beyond_one_unit_alone_are_no_reason_to_shift(tmp_path: Path) -> None:
    # A Chinese text has no blanks that a span could cut at; what lies inside the text counts characters.
    value = {"text": "😀王小明住在北京。他很好。", "spans": [{"start": 1, "end": 4, "label": "PER"}]}
    reading, texts = read(tmp_path / "x.jsonl", json.dumps(value) + "\n", "jsonl")
    assert texts[0][1] == [("王小明", "PER")]
    assert reading.account == {}


def test_a_null_token_and_its_tag_are_refused_or_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    value = {"tokens": ["Anna", None, "Lund"], "ner_tags": ["B-PER", "O", "B-LOC"]}
    reading, texts = read(path, json.dumps(value) + "\n", "jsonl")
    assert texts == [("Anna Lund", [("Anna", "PER"), ("Lund", "LOC")])]
    assert sum(reading.account.values()) == 1


def test_the_key_annotations_were_found_under_can_be_written_and_logged(tmp_path: Path) -> None:
    line = '{"text": "Anna bor", "\\ud800": [{"start": 0, "end": 4, "label": "PER"}]}\n'
    reading, texts = read(tmp_path / "x.jsonl", line, "jsonl")
    assert texts == [("Anna bor", [("Anna", "PER")])]
    (name,) = reading.account
    assert name.startswith("annotations_read_from/")
    name.encode()


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
