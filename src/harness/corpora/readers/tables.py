"""Tables of the Hugging Face world: local Parquet, Arrow and JSON rows, and data sets of the hub at a pinned revision.

Rows hold ``tokens`` and ``ner_tags`` (other names by the card). Integer tags get their names from the card
(``tags``), else from the data set's own features; they are never guessed. Hub files are fetched as files: no loading
script of a repository is ever run.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.config.data import FileSource
from harness.corpora.readers.jsonl import json_objects
from harness.corpora.readers.text import Reading, clean_name, clean_text
from harness.corpora.readers.tokens import (
    legal_tags,
    sentence_from_tags,
    shared_prefix,
    token_texts,
    without_empty_tokens,
    without_prefix,
)
from harness.machine.hub import ready_hub
from harness.machine.process import collector_paused
from harness.values.account import Account
from harness.values.errors import DataError, FileError, listing, shown
from harness.values.labels import OUTSIDE
from harness.values.records import Sentence

if TYPE_CHECKING:
    import datasets

TABLE_FORMATS = ("parquet", "arrow", "rows")
_ENDINGS = ("parquet", "arrow", "jsonl", "json")


@collector_paused()
def read_table(path: Path, language: str, source: FileSource, *, annotated: bool = True) -> Reading:
    """Read a Parquet, Arrow or JSON file, a folder of them, or a folder written by ``save_to_disk``.

    :param source: names the columns, the tag names and the row filter.
    :param annotated: false for text to tag: tags may be missing, and a column ``text`` stands in for tokens.
    :raises DataError: a column is missing, or tags are integers and nobody says what they mean.
    """
    table = _open(path, source.files)
    if not annotated and not _has_named_tags(table, source):
        return _read_texts(table, path, language, source)
    missing = [
        column for column in (source.tokens_field, source.tags_field, *source.where) if column not in table.column_names
    ]
    if missing:
        raise DataError(
            f"{path}: found columns {shown(table.column_names)}, missing {missing}; name them in the data card"
        )
    names = source.tags or _stored_names(table, source.tags_field)
    account = Account()
    rows: list[tuple[str, str, list[str], list[str]]] = []
    for number, row in enumerate(_rows(table, path), 1):
        if any(str(row[column]) != value for column, value in source.where.items()):
            account["rows_of_other_subsets"] += 1
            continue
        where = f"{path}: row {number}"
        tokens, tags = row[source.tokens_field], row[source.tags_field]
        if tokens is None and tags is None:
            account["empty_rows_dropped"] += 1
            continue
        for column, value in ((source.tokens_field, tokens), (source.tags_field, tags)):
            if not isinstance(value, list):
                raise DataError(f"{where}: column {column!r} holds {type(value).__name__}; a list is needed")
        if len(tokens) != len(tags):
            raise DataError(f"{where}: {len(tokens)} tokens and {len(tags)} tags; equal numbers are needed")
        texts, kept = without_empty_tokens(token_texts(tokens, account, where), tags, account)
        rows.append((where, clean_name(row.get("id", number), account), texts, _tag_names(kept, names, account, where)))
    prefix = shared_prefix(token for _, _, texts, _ in rows for token in texts)
    sentences = []
    for where, name, texts, names_of_tags in rows:
        sentence = sentence_from_tags(
            name, without_prefix(texts, prefix, account), names_of_tags, language, account, where
        )
        sentences += [sentence] if sentence is not None else []
    return Reading(tuple(sentences), account.nonzero())


def _has_named_tags(table: "datasets.Dataset", source: FileSource) -> bool:
    if source.tags_field not in table.column_names or source.tokens_field not in table.column_names:
        return False
    kind = str(getattr(getattr(table.features[source.tags_field], "feature", None), "dtype", ""))
    return not kind.startswith(("int", "uint")) or bool(source.tags or _stored_names(table, source.tags_field))


def _read_texts(table: "datasets.Dataset", path: Path, language: str, source: FileSource) -> Reading:
    """Read rows without tags: their tokens, or where there are none their texts.

    :raises DataError: there is neither.
    """
    column = next((name for name in (source.tokens_field, _TEXT_FIELD) if name in table.column_names), None)
    missing = [name for name in source.where if name not in table.column_names]
    if column is None or missing:
        raise DataError(
            f"{path}: found columns {shown(table.column_names)}, missing {missing or [source.tokens_field]} "
            f"(or {_TEXT_FIELD!r}); name them in the data card"
        )
    account = Account()
    sentences = []
    for number, row in enumerate(_rows(table, path), 1):
        if any(str(row[name]) != value for name, value in source.where.items()):
            account["rows_of_other_subsets"] += 1
            continue
        value, where = row[column], f"{path}: row {number}"
        name = clean_name(row.get("id", number), account)
        if value is None:
            account["empty_rows_dropped"] += 1
        elif isinstance(value, list):
            tokens, tags = without_empty_tokens(token_texts(value, account, where), [OUTSIDE] * len(value), account)
            sentence = sentence_from_tags(name, tokens, list(map(str, tags)), language, account, where)
            sentences += [sentence] if sentence is not None else []
        elif isinstance(value, str):
            sentences.append(Sentence(name, clean_text(value, account), language))
        else:
            raise DataError(f"{where}: column {column!r} holds {type(value).__name__}; a text or a list is needed")
    return Reading(tuple(sentences), account.nonzero())


_TEXT_FIELD = "text"
"""The column of running text in most data sets of the hub."""


def _rows(table: "datasets.Dataset", path: Path) -> Iterable[dict[str, Any]]:
    import pyarrow as pa

    try:
        yield from table
    except (pa.ArrowException, UnicodeDecodeError, OverflowError) as error:
        raise DataError(f"{path}: not a readable table ({type(error).__name__})") from error


_SPLIT_WORDS = {
    "train": ("train", "training", "trn"),
    "dev": ("dev", "devel", "development", "valid", "val", "validate", "validation", "testa"),
    "test": ("test", "testing", "tst", "eval", "evaluation", "testb", "heldout", "holdout"),
}
"""Split → words in the names of its files and folders."""


def split_names(paths: Iterable[Path]) -> list[str]:
    """Return the splits that file and folder names tell: ``train-00000-of-00001.parquet``, ``test/1.txt``."""
    words = {word for path in paths for part in path.parts for word in re.split(r"[^a-z]+", part.casefold())}
    return sorted(split for split, names in _SPLIT_WORDS.items() if words & set(names))


def _open(path: Path, pattern: str | None) -> "datasets.Dataset":
    import datasets
    import pyarrow as pa

    if not path.exists():
        raise FileError(f"no such file: {path}")
    if path.is_dir() and (path / "dataset_info.json").exists():
        return _saved(path)
    if path.is_dir() and (path / "dataset_dict.json").exists():
        splits = sorted(child.name for child in path.iterdir() if child.is_dir())
        raise FileError(
            f"{path} holds the splits {listing(splits)}; give the folder of one of them, "
            f"{path}/{splits[0] if splits else 'train'}"
        )
    files = _table_files(path, pattern) if path.is_dir() else [path]
    if not files:
        wanted = repr(pattern) if pattern else ".parquet, .arrow or .jsonl"
        raise FileError(f"{path}: found no {wanted} file")
    told = [split_names([file.relative_to(path)]) for file in files] if path.is_dir() else []
    splits = sorted({split for names in told for split in names})
    if len(splits) > 1 or (splits and not all(told)):
        raise FileError(
            f"{path} holds the splits {listing(splits)}{'' if all(told) else ' and others'} in {len(files)} "
            "files; name the files of one of them: a path to the file, or on a data card files: 'train-*.parquet'"
        )
    try:
        # Read with pyarrow: datasets' own loader would leave a copy of the text in its cache.
        tables = [_table(file) for file in files]
        return datasets.Dataset(pa.concat_tables(tables))
    except (pa.ArrowException, OSError, OverflowError, UnicodeError, ValueError, TypeError, LookupError) as error:
        # What pyarrow and datasets raise on damaged bytes; the text of a cell may stand in the message.
        raise FileError(f"{path}: not a readable table ({type(error).__name__})") from error


def _table_files(folder: Path, pattern: str | None) -> list[Path]:
    """Return the tables of a folder; JSON beside Parquet or Arrow describes them and is none."""
    if pattern:
        return sorted(folder.glob(pattern))
    by_ending = {ending: sorted(folder.rglob(f"*.{ending}")) for ending in _ENDINGS}
    binary = by_ending["parquet"] + by_ending["arrow"]
    return binary or by_ending["jsonl"] + by_ending["json"]


def _saved(path: Path) -> "datasets.Dataset":
    """Load a folder of ``save_to_disk``, its Arrow files checked before anything in them is used."""
    import datasets
    import pyarrow as pa

    try:
        for file in sorted(path.glob("*.arrow")):
            _arrow(file)
        return datasets.load_from_disk(str(path), keep_in_memory=True)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{path}: not a data set that can be loaded ({type(error).__name__})") from error


def _table(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix == ".parquet":
        # pyarrow.parquet's file, not its data sets: those would take a folder name such as lang=de for a column.
        table = pq.ParquetFile(path).read()
        table.validate(full=True)
        return table
    if path.suffix == ".arrow":
        return _arrow(path)
    objects = [value for _, value in json_objects(path)]
    keys = list(dict.fromkeys(key for value in objects for key in value))
    # An id may be a number here and a text there.
    rows = [{key: value.get(key) for key in keys} for value in objects]
    return pa.Table.from_pylist([{**row, "id": str(row["id"])} if row.get("id") is not None else row for row in rows])


def _arrow(path: Path) -> Any:
    """Read an Arrow file; offsets that point outside its buffers are found before a value is read (they end the
    process).
    """
    import pyarrow as pa

    with pa.OSFile(str(path), "rb") as file:
        try:
            table = pa.ipc.open_stream(file).read_all()
        except pa.ArrowInvalid:
            file.seek(0)
            table = pa.ipc.open_file(file).read_all()
    table.validate(full=True)
    return table


def _stored_names(table: "datasets.Dataset", column: str) -> Sequence[str] | None:
    feature = getattr(table.features[column], "feature", None)
    return getattr(feature, "names", None)


def _tag_names(tags: Sequence[object], names: Sequence[str] | None, account: Account, where: str) -> list[str]:
    named: list[object] = []
    for tag in tags:
        if isinstance(tag, int) and not isinstance(tag, bool):
            if names is None:
                raise DataError(
                    f"{where}: tags are integers without names; give 'tags: [O, B-PER, …]' in the data card"
                )
            if not 0 <= tag < len(names):
                raise DataError(f"{where}: tag {shown(tag)} is outside the {len(names)} names {listing(names)}")
            tag = names[tag]
        named.append(tag)
    return legal_tags(named, account, where)


def fetch_hub_files(source: FileSource) -> Path:
    """Fetch the files of a hub data set at its revision and return the local folder or the only file.

    :raises DataError: the hub cannot be reached, or the repository, revision or files do not exist.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    assert source.hub is not None
    ready_hub(source.hub)
    try:
        folder = Path(
            snapshot_download(
                source.hub,
                repo_type="dataset",
                revision=source.revision,
                allow_patterns=source.files,
                etag_timeout=10,
            )
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, HFValidationError, OSError) as error:
        raise FileError(
            f"hub data set {source.hub!r} (revision {source.revision or 'main'}) cannot be fetched: "
            f"{type(error).__name__}; check the id, the network and HF_HUB_OFFLINE, or download it and use 'path:'"
        ) from error
    files = sorted(folder.glob(source.files)) if source.files else [folder]
    if not files:
        raise FileError(f"hub data set {source.hub!r}: no file matches {source.files!r} at {source.revision or 'main'}")
    return files[0] if len(files) == 1 else folder
