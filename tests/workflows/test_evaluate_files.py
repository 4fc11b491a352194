import json
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

from harness.values.errors import DataError
from harness.workflows.evaluate_files import score_files

ANY_TAG = st.sampled_from(
    ["O"] * 3
    + [f"{prefix}-{label}" for prefix in "BIES" for label in ("PER", "LOC")]
    + ["X-PER", "U-LOC", "L-LOC", "B", "I", "PER", "O-PER", "B-A-B"]
)


PAIR = st.lists(st.lists(st.tuples(ANY_TAG, ANY_TAG), min_size=1, max_size=8), min_size=1, max_size=5)


def write(path: Path, sentences: list[list[str]]) -> Path:
    path.write_text(
        "\n\n".join("\n".join(f"w{i} {tag}" for i, tag in enumerate(tags)) for tags in sentences) + "\n",
        encoding="utf-8",
    )
    return path


def _seqeval_macro(gold: list[list[str]], predicted: list[list[str]]) -> float:
    return float(f1_score(gold, predicted, average="macro")) if get_entities(gold) or get_entities(predicted) else 0.0


@given(PAIR)
def test_micro_and_macro_scores_equal_seqeval_on_any_tag_files(
    tmp_path_factory: pytest.TempPathFactory, pair: list
) -> None:  # type: ignore[type-arg]
    folder = tmp_path_factory.mktemp("pair")
    gold = [[left for left, _ in sentence] for sentence in pair]
    predicted = [[right for _, right in sentence] for sentence in pair]
    found = score_files(write(folder / "g.conll", gold), write(folder / "p.conll", predicted)).as_json()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found["entity_f1"] == pytest.approx(f1_score(gold, predicted), abs=1e-9)
        assert found["entity_precision"] == pytest.approx(precision_score(gold, predicted), abs=1e-9)
        assert found["entity_recall"] == pytest.approx(recall_score(gold, predicted), abs=1e-9)
        assert found["entity_macro_f1"] == pytest.approx(_seqeval_macro(gold, predicted), abs=1e-9)


def test_tag_files_and_the_same_spans_as_json_lines_score_the_same(tmp_path: Path) -> None:
    from harness.corpora.readers import READERS
    from harness.values.interchange import as_lines

    gold = write(tmp_path / "g.conll", [["B-PER", "I-PER", "O", "B-LOC"], ["O", "O"]])
    predicted = write(tmp_path / "p.conll", [["B-PER", "I-PER", "O", "O"], ["O", "B-LOC"]])
    texts = []
    for path in (gold, predicted):
        (tmp_path / f"{path.stem}.jsonl").write_text(as_lines(READERS["conll"](path, "en").sentences))
        texts.append(tmp_path / f"{path.stem}.jsonl")
    by_tags, by_text = score_files(gold, predicted).as_json(), score_files(*texts).as_json()
    assert by_tags["entity_f1"] == by_text["entity_f1"] == 0.5  # 1 exact of 2 gold and 2 predicted
    assert score_files(gold, texts[1]).as_json()["entity_f1"] == 0.5  # mixed formats too


def test_a_shorter_prediction_names_the_sentence_and_both_lengths(tmp_path: Path) -> None:
    gold = write(tmp_path / "g.conll", [["O", "O"], ["B-PER", "I-PER", "O"]])
    predicted = write(tmp_path / "p.conll", [["O", "O"], ["B-PER", "I-PER"]])
    with pytest.raises(DataError, match=r"sentence 2 .*has 3 gold tokens and 2 predicted ones"):
        score_files(gold, predicted)


def test_missing_as_o_scores_against_full_gold_and_counts(tmp_path: Path) -> None:
    gold = write(tmp_path / "g.conll", [["B-PER", "O"], ["B-LOC", "I-LOC", "O", "B-PER"], ["B-PER"]])
    predicted = write(tmp_path / "p.conll", [["B-PER", "O"], ["B-LOC", "I-LOC"]])
    scored = score_files(gold, predicted, missing_as_o=True)
    found = scored.as_json()
    # Sentence 2 lacks 2 tokens, sentence 3 all of its 1; 2 of 4 gold entities are found, nothing is spurious.
    assert (scored.missing_sentences, scored.missing_tokens) == (2, 3)
    assert (found["entity_recall"], found["entity_precision"]) == (0.5, 1.0)


def test_a_missing_sentence_in_the_middle_does_not_shift_the_others(tmp_path: Path) -> None:
    def file(name: str, texts: list[str]) -> Path:
        path = tmp_path / name
        path.write_text("\n\n".join("\n".join(f"{word} B-X" for word in text.split()) for text in texts) + "\n")
        return path

    # 'The' alone begins 'The cat' too, but it is sentence 2 word for word.
    gold = file("g.conll", ["The cat", "The", "z y", "z y x"])
    scored = score_files(gold, file("p.conll", ["The", "z", "z y x"]), missing_as_o=True)
    assert (scored.missing_sentences, scored.missing_tokens) == (2, 3)
    assert scored.as_json()["entity_recall"] == 5 / 8


def test_a_prediction_that_gold_does_not_have_is_an_error_even_then(tmp_path: Path) -> None:
    gold = write(tmp_path / "g.conll", [["O"]])
    predicted = write(tmp_path / "p.conll", [["O"], ["O", "O"]])
    with pytest.raises(DataError, match="has no counterpart"):
        score_files(gold, predicted, missing_as_o=True)


def test_other_tokens_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "g.conll").write_text("Rome B-LOC\n")
    (tmp_path / "p.conll").write_text("Roma B-LOC\n")
    with pytest.raises(DataError, match="token 1 is 'Rome' in gold and 'Roma'"):
        score_files(tmp_path / "g.conll", tmp_path / "p.conll")


def test_json_lines_are_matched_by_id_in_any_order(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "text": "Rome", "spans": [{"start": 0, "end": 4, "label": "LOC"}]},
        {"id": "b", "text": "Oslo", "spans": [{"start": 0, "end": 4, "label": "LOC"}]},
    ]
    (tmp_path / "g.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, reversed(rows))))
    assert score_files(tmp_path / "g.jsonl", tmp_path / "p.jsonl").as_json()["entity_f1"] == 1.0


def test_empty_gold_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "g.conll").write_text("\n\n")
    with pytest.raises(DataError, match="holds no sentence"):
        score_files(tmp_path / "g.conll", tmp_path / "g.conll")


def notes(tmp_path: Path, gold: str, predicted: str, ending: str = "conll") -> list[str]:
    (tmp_path / f"g.{ending}").write_text(gold, encoding="utf-8")
    (tmp_path / f"p.{ending}").write_text(predicted, encoding="utf-8")
    return score_files(tmp_path / f"g.{ending}", tmp_path / f"p.{ending}").notes


def test_what_makes_two_files_unlike_is_said(tmp_path: Path) -> None:
    assert (
        "share no label: gold has 'LOC', the predictions 'LABEL_1'"
        in notes(tmp_path, "Lund B-LOC\n", "Lund B-LABEL_1\n")[0]
    )
    assert notes(tmp_path, "Lund B-O\nx B-LOC\n", "Lund O\nx B-LOC\n")[0].startswith(
        "1 tags such as B-O were read as O"
    )
    assert notes(tmp_path, "Lund B-LOC\n", "Lund O\n") == []
    gold = '{"id": 1, "text": "Anna bor", "spans": [{"start": 0, "end": 4, "label": "PER"}]}'
    assert notes(tmp_path, gold, gold.replace('"end": 4', '"end": 5'), "jsonl") == ["p.jsonl: spans trimmed: 1"]


def test_other_unicode_forms_are_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"they differ in Unicode form alone .'Zo.xe9' against 'Zoe.u0301'"):
        notes(tmp_path, "Zo\u00e9 B-PER\n", "Zoe\u0301 B-PER\n")
    row = '{"id": 1, "text": "%s", "spans": []}'
    with pytest.raises(DataError, match="they differ in Unicode form alone"):
        notes(tmp_path, row % "Zo\u00e9", row % "Zoe\u0301", "jsonl")


def test_overlapping_predictions_are_scored_and_others_refused(tmp_path: Path) -> None:
    row = {"id": 1, "text": "Anna Lund bor", "spans": [{"start": 0, "end": 9, "label": "PER"}]}
    more = {**row, "spans": [*row["spans"], {"start": 5, "end": 9, "label": "LOC"}]}  # type: ignore[list-item]
    (tmp_path / "g.jsonl").write_text(json.dumps(row))
    (tmp_path / "p.jsonl").write_text(json.dumps(more))
    found = score_files(tmp_path / "g.jsonl", tmp_path / "p.jsonl").as_json()
    assert (found["entity_precision"], found["entity_recall"]) == (0.5, 1.0)
    with pytest.raises(DataError, match="overlaps"):  # gold may not
        score_files(tmp_path / "p.jsonl", tmp_path / "g.jsonl")


@pytest.mark.parametrize("name", ["conll", "jsonl", "inline", "brat", "parquet", "prodigy"])
def test_every_format_of_data_convert_can_be_scored(name: str, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path / name
    folder.mkdir()
    spans = [{"start": 0, "end": 4, "label": "PER"}]
    path = folder / {"conll": "x.conll", "jsonl": "x.json", "inline": "x.txt", "prodigy": "x.jsonl"}.get(name, "x")
    if name == "conll":
        path.write_text("Anna B-PER\nbor O\n")
    elif name in ("jsonl", "prodigy"):
        path.write_text(json.dumps([{"text": "Anna bor", "spans": spans, "answer": "accept"}]))
    elif name == "inline":
        path.write_text("<PER>Anna</PER> bor\n")
    elif name == "brat":
        path.mkdir()
        (path / "1.txt").write_text("Anna bor")
        (path / "1.ann").write_text("T1\tPER 0 4\tAnna\n")
    else:
        path = path.with_suffix(".parquet")
        pq.write_table(pa.table({"tokens": [["Anna", "bor"]], "ner_tags": [["B-PER", "O"]]}), path)
    (tmp_path / "p.jsonl").write_text(json.dumps({"id": 1, "text": "Anna bor", "spans": spans}))
    wanted = {"inline": "inline", "prodigy": "prodigy"}.get(name)
    scored = score_files(path, tmp_path / "p.jsonl", gold_format=wanted)
    assert scored.as_json()["entity_f1"] == 1.0


def test_a_label_of_gold_alone_is_told(tmp_path: Path) -> None:
    for name, second in (("gold", "B-MISC"), ("predicted", "O")):
        (tmp_path / f"{name}.conll").write_text(f"Anna\tB-PER\nNobel\t{second}\n", encoding="utf-8")
    scored = score_files(tmp_path / "gold.conll", tmp_path / "predicted.conll")
    assert any("gold has 'MISC', which is never predicted: 1 entities cannot be found" in note for note in scored.notes)
