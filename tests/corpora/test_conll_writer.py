"""Files as people really have them: other columns, other offsets, other tools. Every repair and drop is counted."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpora.conll_writer import conll_text
from harness.corpora.readers import READERS
from harness.values.records import Sentence, Span
from tests.corpora.repairs_cases import read_file


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


def test_tokens_with_tabs_and_line_breaks_survive_conll_in_number(tmp_path: Path) -> None:
    row = {"tokens": ["Otto", "New\tYork", "a\nb"], "ner_tags": ["B-PER", "B-LOC", "O"]}
    reading, _ = read_file(tmp_path / "x.jsonl", json.dumps(row), "jsonl")
    text, account = conll_text(reading.sentences)
    assert account == {"tokens_with_tabs_or_line_breaks_changed": 2}
    assert read_file(tmp_path / "x.conll", text)[1] == [("Otto New York a b", [("Otto", "PER"), ("New York", "LOC")])]
