"""What makes two experiments the same: settings that can move a figure, and the content of the data.

Descriptions (citations, notes, licences), the place of a file, where a run is recorded and how many threads it has
are left out. Both a sweep's finished cells and the rows of a comparison rest on this.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from harness.config import Config, FileSource, folder_name
from harness.config.strict import DESCRIBES, resolve_path
from harness.machine.packaged import package_identity
from harness.machine.provenance import content_digest
from harness.transfer.mixture import needed_corpora
from harness.transfer.routes import file_splits
from harness.values import names
from harness.values.records import Corpus, CorpusKey


def needed_splits(config: Config) -> list[CorpusKey]:
    """Return the splits of the card that an experiment reads, tests and development sets to report included."""
    source = config.data.source.language
    # What is translated by the run itself is no file of the card.
    translated = {"translated_train", "translated_dev", "translated_test"} if config.method.translates else set()
    wanted = [key for key in needed_corpora(config.method, source, config.targets) if key[1] not in translated]
    drawn_from = [target for target, split in wanted if split == "synthetic"]
    wanted += [(target, "synthetic_dev") for target in drawn_from if config.data.targets[target].synthetic_dev]
    if "translated" in config.method.dev_parts and (config.data.source.dev or config.data.source.dev_share):
        wanted.append((source, "dev"))
    if config.data.source.dev is None and config.data.source.dev_share and (source, "train") in wanted:
        wanted.append((source, "dev"))  # cut off whatever judges: nothing trains on it, and ratios count the rest
    wanted += file_splits(config)
    if config.data.source.test:
        wanted.append((source, "test"))
    for target in config.targets:
        wanted.append((target, "test"))
        wanted += [(target, "dev")] if config.data.targets[target].dev else []
    return list(dict.fromkeys(wanted))


def identity(config: Config) -> dict[str, Any]:
    """Return what an experiment's figures depend on, JSON-serialisable.

    :raises FileError: a file of the data is missing.
    """
    values = _without_descriptions(config)
    for group in ("tracking", "synthesis", "leaks"):
        values.pop(group, None)
    values["trainer"].pop("threads", None)
    # The card's recommendations count where the trainer follows them.
    epochs = None if config.trainer.max_steps or config.trainer.max_tokens else config.max_epochs
    values["trainer"] |= {
        "learning_rate": config.learning_rate, "warmup_share": config.warmup_share, "max_epochs": epochs,
    }  # fmt: skip
    values["seeds"] = config.resolved_seeds
    for name in ("learning_rate", "warmup_share", "max_epochs"):
        values["encoder"].pop(name, None)
    if config.encoder.path and values["encoder"]["name"] == folder_name(config.encoder.path):
        values["encoder"]["name"] = "hf"  # where a folder lies, and what it is called, moves no figure
    if not config.method.translates:
        values["method"].pop("projection", None)
    for group, key, digest in local_files(config):
        values[group][key] = digest
    values["data"] = {
        "name": config.data.name, "labels": config.data.labels, "label_map": config.data.label_map,
        "source": config.data.source.language, "targets": config.targets, "dev_share": config.data.source.dev_share,
        "splits": dict(_split_identities(config)),
    }  # fmt: skip
    return values


def identity_digest(config: Config) -> str:
    """Return the digest of :func:`identity`: what finished cells of a sweep are known by."""
    text = json.dumps(identity(config), sort_keys=True, ensure_ascii=False, default=str)
    return blake2b(text.encode(), digest_size=12).hexdigest()


def _without_descriptions(model: BaseModel) -> dict[str, Any]:
    """Return a model's values without the fields that only describe."""
    values: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        if DESCRIBES in field.metadata or field.exclude:
            continue
        value = getattr(model, name)
        values[name] = _without_descriptions(value) if isinstance(value, BaseModel) else _plain(value)
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _without_descriptions(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # 8 and 8.0 are one value
    return value


def local_files(config: Config) -> Iterator[tuple[str, str, str]]:
    """Yield group, key and digest of every local file or folder that an experiment's models and links come from.

    A name stays a name where it stands for something else now: what counts is the content.
    """
    keys: dict[str, tuple[str, ...]] = {"encoder": ("path",)}
    if config.method.translates:
        keys |= {"translator": ("path", "tokenizer"), "aligner": ("path", "priors")}
    for group, group_keys in keys.items():
        for key in group_keys:
            value = getattr(getattr(config, group), key, None)
            path = Path(str(value or "")).expanduser()
            if value and path.exists():
                yield group, key, content_digest(path)
        if package := getattr(getattr(config, group), "package", None):
            yield group, "package", package_identity(package)


def _split_identities(config: Config) -> Iterator[tuple[str, dict[str, Any]]]:
    folder = config.data_folder or Path.cwd()
    for language, split in needed_splits(config):
        source = getattr(config.data.language_files(language), split)
        if isinstance(source, FileSource):
            values = source.model_dump(mode="json", exclude={"path", "sha256", "public"}, exclude_defaults=True)
            if source.path is not None:
                values["content"] = content_digest(resolve_path(source.path, folder))
            yield f"{language}.{split}", values


def data_params(
    config: Config, corpora: Mapping[CorpusKey, Corpus], translated: Mapping[CorpusKey, Corpus] | None = None
) -> dict[str, str]:
    """Return what a run records of its data: ``data.digest`` of all of it, ``data.tests`` of each test set.

    Both are of the sentences and spans as read and mapped, so a file in another format is the same data. Of what the
    run itself translated there is ``data.translated``, and of a local model or file of links ``GROUP.KEY_digest``.
    """
    state = blake2b(repr((config.data.labels, sorted(config.data.label_map.items(), key=repr))).encode(), digest_size=8)
    for key in sorted(corpora):
        state.update(f"{key} {corpora[key].digest}".encode())
    tests = (
        f"{language}={corpora[(language, split)].digest[:8]}" for language, split in sorted(corpora) if split == "test"
    )
    params = {names.DATA_DIGEST: state.hexdigest(), names.DATA_TESTS: ",".join(tests)}
    if translated:
        translated_state = blake2b(digest_size=8)
        for key in sorted(translated):
            translated_state.update(f"{key} {translated[key].digest}".encode())
        params[names.DATA_TRANSLATED] = translated_state.hexdigest()
    return params | {names.file_digest(group, key): digest[:16] for group, key, digest in local_files(config)}
