import io
import json
import sys
from pathlib import Path

import pytest

from harness.values.errors import UsageError
from harness.values.interchange import from_object, tagged_lines
from harness.values.records import Sentence
from harness.workflows.predict_files import Through, read_input, tag
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
    tagged = tag(folder, plain)
    assert [sentence.spans for sentence in tagged.sentences] == [sentence.spans for sentence in toy(6)]
    assert tagged.scores and all(0.2 < score <= 1 for scores in tagged.scores for score in scores)
    lines = [json.loads(line) for line in tagged_lines(tagged.sentences, tagged.scores).splitlines()]
    assert {span["text"] for line in lines for span in line["spans"]} <= {
        "anna",
        "bert",
        "carla",
        "rome",
        "oslo",
        "lima",
    }
    assert [from_object(line).spans for line in lines] == [sentence.spans for sentence in tagged.sentences]


@pytest.fixture
def through_translation(tiny_bert: Path, tmp_path: Path) -> Path:
    """A model of translate_test that tags English."""
    tagger = fit("char-bilstm", tiny_bert, tmp_path, epochs=25).tagger
    return tagger.save(tmp_path / "model", method={"test": "translated"}, source="en", targets=["sv"], restricted=True)


def table(tmp_path: Path) -> Path:
    """Swedish texts of the toy sentences and their English translations."""
    lines = [f"{text.text.replace('went to', 'reste till').replace('on day', 'dag')}\t{text.text}" for text in toy(6)]
    path = tmp_path / "table.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def swedish() -> list[Sentence]:
    return [
        Sentence(text.id, text.text.replace("went to", "reste till").replace("on day", "dag"), "sv") for text in toy(6)
    ]


def test_texts_come_to_a_translate_test_model_through_a_translation(through_translation: Path, tmp_path: Path) -> None:
    through = Through("file", "hmm", (f"translator.path={table(tmp_path)}",))
    tagged, account, scores = tag(through_translation, swedish(), "sv", through)
    assert (account["source"], account["projected"], scores) == (12, 12, None)
    assert [[(s.surface(span), span.label) for span in s.spans] for s in tagged] == [
        [(s.surface(span), span.label) for span in s.spans] for s in toy(6)
    ]


def test_its_own_language_is_tagged_as_it_is(through_translation: Path) -> None:
    plain = [sentence.with_spans(()) for sentence in toy(6)]
    assert [s.spans for s in tag(through_translation, plain, "en-GB")[0]] == [s.spans for s in toy(6)]


@pytest.mark.parametrize(
    ("language", "through", "message"),
    [
        ("und", None, "say what the texts are with --language"),
        ("sv", None, "texts in sv are translated into en first; name an engine with --translator"),
        (
            "sv",
            Through("chat", "hmm", ("translator.model=m", "translator.base_url=https://example.org/v1")),
            "sends text to another machine, and the model is of restricted data",
        ),
    ],
)
def test_nothing_is_guessed_and_nothing_sent_away(
    language: str, through: Through | None, message: str, through_translation: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        tag(through_translation, swedish(), language, through)


def test_other_models_need_no_translator(tiny_bert: Path, tmp_path: Path) -> None:
    folder = fit("char-bilstm", tiny_bert, tmp_path, epochs=1).tagger.save(
        tmp_path / "model", method={"test": "target"}
    )
    with pytest.raises(UsageError, match="tags texts as they are"):
        tag(folder, swedish(), "sv", Through("file"))
