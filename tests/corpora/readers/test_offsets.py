"""Files as people really have them: other columns, other offsets, other tools. Every repair and drop is counted."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from harness.corpora.readers.offsets import RULES, UTF16, rule_for_surfaces, utf16_explains
from tests.corpora.repairs_cases import read_file


def test_offsets_of_javascript_are_told_by_what_they_cut(tmp_path: Path) -> None:
    # Three fire engines are six units: in characters 7..11 would be "o bo".
    rows = [
        {"text": "🚒🚒🚒 Otto bor", "label": [[7, 11, "PER"]]},
        {"text": "Otto bor i Lund", "label": [[11, 15, "LOC"]]},
    ]
    reading, texts = read_file(tmp_path / "x.jsonl", "\n".join(map(json.dumps, rows)), "doccano")
    assert [spans for _, spans in texts] == [[("Otto", "PER")], [("Lund", "LOC")]]
    assert reading.account["offsets_shifted/utf16"] == 1
    # Right in characters: left alone, though Korean particles make it end inside a word.
    rows = [{"text": "🚒 서울에 간다", "label": [[2, 4, "LOC"]]}]
    _, texts = read_file(tmp_path / "x.jsonl", json.dumps(rows[0]), "doccano")
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
    assert read_file(tmp_path / "x.jsonl", json.dumps(row), "jsonl")[1][0][1] == [("b", "X")]
    row["spans"] = [{"start": 3, "end": 4, "label": "X"}]
    assert read_file(tmp_path / "x.jsonl", json.dumps(row), "jsonl")[1][0][1] == [("a", "X")]


def test_utf16_is_not_guessed_where_characters_make_sense() -> None:
    assert not utf16_explains([("😀 Otto", [(2, 6)])])
    assert utf16_explains([("😀 Otto", [(3, 7)])])
    assert not utf16_explains([("😀 Otto", [(3, 7), (2, 6)])])  # neither explains both
    assert not utf16_explains([("Otto", [(1, 3)])])
    found = rule_for_surfaces("😀 Otto", [(3, 7)], ["Otto"])
    assert found is not None
    assert found[0] == UTF16


def test_characters_beyond_one_unit_alone_are_no_reason_to_shift(tmp_path: Path) -> None:
    # A Chinese text has no blanks that a span could cut at; what lies inside the text counts characters.
    value = {"text": "😀王小明住在北京。他很好。", "spans": [{"start": 1, "end": 4, "label": "PER"}]}
    reading, texts = read_file(tmp_path / "x.jsonl", json.dumps(value) + "\n", "jsonl")
    assert texts[0][1] == [("王小明", "PER")]
    assert reading.account == {}
