import io
import sys
from pathlib import Path

import pytest

from harness.workflows.predict_files import read_input, tag
from tests.model.models_cases import fit, toy


def test_files_and_standard_input_are_read_without_their_entities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.conll").write_text("Anna\tB-PER\n\nbor\tO\n", encoding="utf-8")
    sentences, account = read_input(tmp_path / "a.conll", "sv", None)
    assert [(sentence.text, sentence.spans) for sentence in sentences] == [("Anna", ()), ("bor", ())]
    assert account == {}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Anna \u2028 bor\n\n".encode())))
    assert [sentence.text for sentence in read_input(None, "sv", None)[0]] == ["Anna \u2028 bor", ""]


def test_an_exported_folder_tags(tiny_bert: Path, tmp_path: Path) -> None:
    folder = fit("char-bilstm", tiny_bert, tmp_path, epochs=25, patience=None).tagger.save(tmp_path / "model")
    plain = [sentence.with_spans(()) for sentence in toy(6)]
    assert [sentence.spans for sentence in tag(folder, plain)] == [sentence.spans for sentence in toy(6)]
