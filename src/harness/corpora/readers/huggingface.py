"""Tables of the Hugging Face world: local Parquet, Arrow and JSON rows, and data sets of the hub at a pinned revision.

Rows hold ``tokens`` and ``ner_tags`` (other names by the card). Integer tags get their names from the card
(``tags``), else from the data set's own features; they are never guessed. Hub files are fetched as files: no loading
script of a repository is ever run.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.config.cards import FileSource
from harness.corpora.readers.conll import join_tokens, without_blank_tokens
from harness.corpora.readers.jsonl import json_objects
from harness.corpora.readers.reading import Reading, clean_spans, clean_text
from harness.errors import DataError, listing
from harness.labels import illegal_transitions, is_legal_tag, spans_from_tags
from harness.records import Sentence

if TYPE_CHECKING:
    import datasets

TABLE_FORMATS = ("parquet", "arrow", "rows")
_ENDINGS = ("parquet", "arrow", "jsonl", "json")


def read_table(path: Path, language: str, source: FileSource) -> Reading:
    """Read a Parquet, Arrow or JSON file, a folder of them, or a folder written by ``save_to_disk``.

    :param source: names the columns, the tag names and the row filter.
    :raises DataError: a column is missing, or tags are integers and nobody says what they mean.
    """
    table = _open(path)
    missing = [
        column for column in (source.tokens_field, source.tags_field, *source.where) if column not in table.column_names
    ]
    if missing:
        raise DataError(f"{path}: found columns {table.column_names}, missing {missing}; name them in the data card")
    names = source.tags or _stored_names(table, source.tags_field)
    account: Counter[str] = Counter()
    sentences = []
    for number, row in enumerate(table, 1):
        if any(str(row[column]) != value for column, value in source.where.items()):
            account["rows_of_other_subsets"] += 1
            continue
        where = f"{path}: row {number}"
        tags = _tag_names(row[source.tags_field], names, where)
        tokens = [clean_text(str(token), account) for token in row[source.tokens_field]]
        if len(tokens) != len(tags):
            raise DataError(f"{where}: {len(tokens)} tokens and {len(tags)} tags; equal numbers are needed")
        tokens, tags = without_blank_tokens(tokens, tags, account)
        if not tokens:
            account["empty_sentences_dropped"] += 1
            continue
        account["i_tags_opening_an_entity"] += illegal_transitions(tags)
        text, offsets = join_tokens(tokens)
        spans = clean_spans(text, spans_from_tags(tags, offsets), account, where)
        sentences.append(Sentence(str(row.get("id", number)), text, language, spans, offsets))
    return Reading(tuple(sentences), +account)


def _open(path: Path) -> "datasets.Dataset":
    import datasets
    import pyarrow as pa

    if not path.exists():
        raise DataError(f"no such file: {path}")
    if path.is_dir() and (path / "dataset_info.json").exists():
        return datasets.load_from_disk(str(path), keep_in_memory=True)
    files = sorted(file for end in _ENDINGS for file in path.rglob(f"*.{end}")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path}: found no .parquet, .arrow or .jsonl file")
    try:
        # Read with pyarrow: datasets' own loader would leave a copy of the text in its cache.
        tables = [_table(file) for file in files]
        return datasets.Dataset(pa.concat_tables(tables))
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a readable table ({str(error).splitlines()[0]})") from error


def _table(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix == ".parquet":
        return pq.read_table(path)
    if path.suffix == ".arrow":
        return _arrow(path)
    return pa.Table.from_pylist([value for _, value in json_objects(path)])


def _arrow(path: Path) -> Any:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        try:
            return pa.ipc.open_stream(file).read_all()
        except pa.ArrowInvalid:
            return pa.ipc.open_file(file).read_all()


def _stored_names(table: "datasets.Dataset", column: str) -> Sequence[str] | None:
    feature = getattr(table.features[column], "feature", None)
    return getattr(feature, "names", None)


def _tag_names(tags: Sequence[object], names: Sequence[str] | None, where: str) -> list[str]:
    result = []
    for tag in tags:
        if isinstance(tag, int):
            if names is None:
                raise DataError(
                    f"{where}: tags are integers without names; give 'tags: [O, B-PER, …]' in the data card"
                )
            if not 0 <= tag < len(names):
                raise DataError(f"{where}: tag {tag} is outside the {len(names)} names {listing(names)}")
            tag = names[tag]
        if not isinstance(tag, str) or not is_legal_tag(tag):
            raise DataError(f"{where}: found tag {tag!r}; allowed: O, or B-, I-, E-, S- and a label")
        result.append(tag)
    return result


def fetch_hub_files(source: FileSource) -> Path:
    """Fetch the files of a hub data set at its revision and return the local folder or the only file.

    :raises DataError: the hub cannot be reached, or the repository, revision or files do not exist.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    assert source.hub is not None
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
        raise DataError(
            f"hub data set {source.hub!r} (revision {source.revision or 'main'}) cannot be fetched: "
            f"{type(error).__name__}; check the id, the network and HF_HUB_OFFLINE, or download it and use 'path:'"
        ) from error
    files = sorted(folder.glob(source.files)) if source.files else [folder]
    if not files:
        raise DataError(f"hub data set {source.hub!r}: no file matches {source.files!r} at {source.revision or 'main'}")
    return files[0] if len(files) == 1 else folder
