"""Cards: what is known of a corpus or an encoder, checked when it is loaded.

A data card says where the files are, in which format and language, under which licence, and how many
sentences and entities they should hold; an encoder card names hub repository, revision and the settings
its authors or the field recommend for token classification.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from harness.config.strict import Note, Strict
from harness.values.languages import normalise_language


class FileSource(Strict):
    """One split: a local file or folder (``path``), or a data set of the Hugging Face hub (``hub``)."""

    path: str | None = None
    """File or folder, relative to the card, or absolute, or ``${oc.env:VAR}/…``."""
    hub: str | None = None
    """Hugging Face data set id (``owner/name``)."""
    format: str | None = None
    """conll, jsonl (also doccano, prodigy, label_studio), inline, brat, lines, parquet, arrow or rows (JSON with
    token and tag columns); read from the file's ending where missing.
    """
    revision: str | None = None
    """Commit or ref of the hub data set; without one, the tip of its default branch, with a warning."""
    files: str | None = None
    """Parquet files inside the hub repository or the folder, as a glob (``en/train/*.parquet``)."""
    sha256: str | None = None
    """Checksum of the file, compared at load."""
    token_column: int | None = None
    """conll: column of the token, from 1, negative from the end; found out where missing, refused where ambiguous."""
    tag_column: int | str | None = None
    """conll: column of the tag likewise, or the key of the tag in CoNLL-U's MISC column (``NER``)."""
    tokens_field: str = "tokens"
    """Column of the tokens (parquet, arrow, hub)."""
    tags_field: str = "ner_tags"
    """Column of the tags: integers (with ``tags``, or names stored in the data set) or strings."""
    tags: tuple[str, ...] | None = None
    """Tag names behind integer tags, in order."""
    public: bool = False
    """A split that may be shown although the card is ``restricted``: predictions on it are stored."""
    where: dict[str, str] = Field(default={})
    """Keep only rows in which these columns have these values (``lang: de``)."""

    @model_validator(mode="after")
    def _one_place(self) -> "FileSource":
        if (self.path is None) == (self.hub is None):
            raise ValueError("give either 'path' or 'hub'")
        if 0 in (self.token_column, self.tag_column):
            raise ValueError("token_column and tag_column count from 1, or from -1 for the last")
        return self


SPLITS = (
    "train", "dev", "test", "synthetic", "synthetic_dev", "translated_train", "translated_dev",
    "translated_synthetic_dev", "translated_test",
)  # fmt: skip


class LanguageFiles(Strict):
    """The splits of one language; all may be missing, what a method needs is checked when it runs."""

    train: FileSource | None = None
    """Gold training data; for a target used by target_supervised alone."""
    dev: FileSource | None = None
    """Gold development data; the source's selects models, a target's is reported and never selected on."""
    test: FileSource | None = None
    """Gold test data."""
    synthetic: FileSource | None = None
    """LLM-generated sentences in this language, labelled."""
    synthetic_dev: FileSource | None = None
    """More of them that nothing trains on; without this file a share of ``synthetic`` is held out (method.hold_out)."""
    translated_train: FileSource | None = None
    """A translation of source.train into this language, line by line."""
    translated_dev: FileSource | None = None
    """A translation of source.dev into this language, line by line."""
    translated_synthetic_dev: FileSource | None = None
    """synthetic_dev in the source language, line by line."""
    translated_test: FileSource | None = None
    """This test in the source language, line by line."""

    def files(self) -> Iterator[tuple[str, FileSource]]:
        """Yield split and file for every split that is given."""
        for split in SPLITS:
            source = getattr(self, split)
            if source is not None:
                yield split, source


class SourceFiles(LanguageFiles):
    """The source language: the one with annotated training data."""

    language: str
    """BCP-47 tag or ISO 639 code."""

    dev_share: float | None = Field(default=None, gt=0, lt=0.5)
    """Share of the training documents held out as dev, where there is no dev file."""

    _normalise = field_validator("language")(normalise_language)


class ExpectedCounts(Strict):
    """Published or counted size of a split; ``null`` where it is not known."""

    sentences: int | None = None
    """Number of sentences."""
    entities: int | None = None
    """Number of entities, after ``label_map``."""


class DataCard(Strict):
    """A corpus: labels, languages, files, licence, and what it should contain."""

    name: str
    """Name in tables and in MLflow."""
    labels: tuple[str, ...]
    """Entity labels, in the order the model's classes are numbered."""
    label_map: dict[str, str | None] = Field(default={})
    """Label in the files → label here; null drops it (counted)."""
    license: Note = "unknown"
    """Licence of the data, SPDX where it has an id."""
    citation: Note = ""
    """Authors, year, title, where published."""
    url: Note = ""
    """Where the corpus comes from."""
    description: Note = ""
    """What a user of the scores must know about the data."""
    restricted: bool = False
    """No text leaves: no predictions or samples stored, nothing cached, no remote model."""
    relative_to: Literal["card", "working_folder"] = "card"
    """What relative paths start from."""
    source: SourceFiles
    """The source language."""
    targets: dict[str, LanguageFiles] = Field(default={})
    """Target languages by BCP-47 tag."""
    expected: dict[str, ExpectedCounts] = Field(default={})
    """``language.split`` → counts, compared at load."""

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if not labels or len(set(labels)) != len(labels) or any(not label or label == "O" for label in labels):
            raise ValueError("labels must be distinct, not empty, and none may be 'O'")
        odd = [label for label in labels if not re.fullmatch(r"[\w.\-: ]+", label)]
        if odd:
            raise ValueError(f"labels {odd}: only letters, digits, '_', '-', '.', ':' and blanks (they name metrics)")
        return labels

    @field_validator("targets", mode="before")
    @classmethod
    def _normalised_targets(cls, targets: Any) -> Any:
        if not isinstance(targets, dict):
            return targets
        normalised = {normalise_language(str(tag)): files for tag, files in targets.items()}
        if len(normalised) != len(targets):
            raise ValueError(f"two names for one language among {sorted(map(str, targets))}")
        return normalised

    @model_validator(mode="after")
    def _consistent(self) -> "DataCard":
        unknown = {new for new in self.label_map.values() if new is not None} - set(self.labels)
        if unknown:
            raise ValueError(f"label_map maps to {sorted(unknown)}, which are not among labels {list(self.labels)}")
        if self.source.language in self.targets:
            raise ValueError(f"the source language {self.source.language!r} is among the targets")
        for key in self.expected:
            language, _, split = key.partition(".")
            if split not in SPLITS or language not in {self.source.language, *self.targets}:
                raise ValueError(f"expected: {key!r} is not 'language.split' of this card")
        return self

    def language_files(self, language: str) -> LanguageFiles:
        """Return the files of the source or of a target."""
        return self.source if language == self.source.language else self.targets[language]

    @property
    def languages(self) -> tuple[str, ...]:
        """Source first, then the targets in the order of the card."""
        return (self.source.language, *self.targets)
