import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpora.readers import READERS
from harness.values.interchange import as_lines
from harness.values.records import Sentence, Span

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
