"""Files as people really have them: other columns, other offsets, other tools. Every repair and drop is counted."""

from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.config import FileSource
from harness.corpora.catalogue import read_source, read_texts
from harness.corpora.readers import READERS
from harness.values.errors import DataError, FileError
from harness.values.records import Span


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


ROWS = {"tokens": [["Anna", "slept"], ["in", "Rome"]], "ner_tags": [[1, 0], [0, 3]], "lang": ["en", "de"]}


NAMES = ["O", "B-PER", "I-PER", "B-LOC"]


def table(with_names: bool) -> datasets.Dataset:
    tag = datasets.ClassLabel(names=NAMES) if with_names else datasets.Value("int64")
    features = datasets.Features(
        tokens=datasets.List(datasets.Value("string")), ner_tags=datasets.List(tag), lang=datasets.Value("string")
    )
    return datasets.Dataset.from_dict(ROWS, features=features)


@pytest.mark.parametrize("kind", ["parquet", "arrow", "saved", "folder", "rows"])
def test_tables_are_read_with_the_names_they_carry_or_are_given(kind: str, tmp_path: Path) -> None:
    data = table(with_names=kind != "rows")
    path = (
        tmp_path
        / {"parquet": "x.parquet", "arrow": "x.arrow", "saved": "saved", "folder": "f", "rows": "x.jsonl"}[kind]
    )
    if kind == "saved":
        data.save_to_disk(path)
    elif kind == "arrow":
        data.save_to_disk(tmp_path / "s")
        next((tmp_path / "s").glob("*.arrow")).rename(path)
    elif kind == "rows":
        data.to_json(path)
    elif kind == "folder":
        path.mkdir()
        data.to_parquet(path / "0000.parquet")
    else:
        data.to_parquet(path)
    tags = tuple(NAMES) if kind == "rows" else None
    source = FileSource(path=str(path), format="rows" if kind == "rows" else "parquet", tags=tags)
    first, second = read_source(source, "en", tmp_path).sentences
    assert (first.text, first.spans) == ("Anna slept", (Span(0, 4, "PER"),))
    assert (second.text, second.spans) == ("in Rome", (Span(3, 7, "LOC"),))


def test_rows_of_other_subsets_are_left_out_and_counted(tmp_path: Path) -> None:
    table(with_names=True).to_parquet(tmp_path / "x.parquet")
    reading = read_source(FileSource(path=str(tmp_path / "x.parquet"), where={"lang": "de"}), "de", tmp_path)
    assert [sentence.text for sentence in reading.sentences] == ["in Rome"]
    assert reading.account["rows_of_other_subsets"] == 1


def test_integer_tags_without_names_are_never_guessed(tmp_path: Path) -> None:
    table(with_names=False).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="integers without names; give 'tags"):
        read_source(FileSource(path=str(tmp_path / "x.parquet")), "en", tmp_path)


def test_a_missing_column_names_what_there_is(tmp_path: Path) -> None:
    table(with_names=True).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"found columns .*'tokens'.*missing \['tags'\]"):
        read_source(FileSource(path=str(tmp_path / "x.parquet"), tags_field="tags"), "en", tmp_path)


def test_a_damaged_table_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="not a readable table"):
        read_source(FileSource(path=str(tmp_path / "x.parquet")), "en", tmp_path)


def test_an_unreachable_hub_data_set_is_one_sentence(tmp_path: Path) -> None:
    source = FileSource(hub="nobody/nothing", files="*.parquet", revision="0" * 40)
    with pytest.raises(DataError, match=r"hub data set 'nobody/nothing' \(revision 0+\) cannot be fetched"):
        read_source(source, "en", tmp_path)


def test_a_hub_data_set_is_read_from_the_hubs_cache_at_its_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The layout huggingface_hub keeps: what a download leaves behind, and what it reads offline.
    revision = "a" * 40
    folder = tmp_path / "datasets--me--toy" / "snapshots" / revision / "sv"
    folder.mkdir(parents=True)
    table(with_names=True).to_parquet(folder / "test-0.parquet")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    source = FileSource(hub="me/toy", files="sv/test-*.parquet", revision=revision)
    assert len(read_source(source, "sv", tmp_path).sentences) == 2


@pytest.mark.parametrize("column", ["tokens", "text", "integers"])
def test_a_table_without_tags_is_text_to_tag_and_no_gold(column: str, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    values = {"tokens": [["Anna", "slept"], ["in", "Rome"]], "text": ["Anna slept", "in Rome"]}
    if column == "integers":
        table(with_names=False).to_parquet(path)
    else:
        datasets.Dataset.from_dict({column: values[column]}).to_parquet(path)
    assert [sentence.text for sentence in read_texts(path, "en").sentences] == ["Anna slept", "in Rome"]
    with pytest.raises(DataError):
        read_source(FileSource(path=str(path)), "en", tmp_path)


def test_a_table_without_tokens_or_text_says_which_columns_it_has(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    datasets.Dataset.from_dict({"body": ["Anna slept"]}).to_parquet(path)
    with pytest.raises(DataError, match=r"found columns \['body'\], missing \['tokens'\] \(or 'text'\)"):
        read_texts(path, "en")
