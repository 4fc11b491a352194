"""What a data card says and what its files hold: ``harness data list | stats | check | convert``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.config import Config, FileSource, compose_config, group_options
from harness.config.yaml_files import load_mapping
from harness.corpora.catalogue import check_files, load_corpora, read_source
from harness.corpora.conll_writer import WRITERS, conll_text
from harness.corpora.splits import Overlap, duplicates, overlaps, repeated_tests
from harness.evaluation.power import smallest_difference
from harness.machine.files import write_text
from harness.values.account import Account
from harness.values.errors import ConfigError, DataError, UsageError, listing
from harness.values.interchange import as_lines
from harness.values.records import Corpus


def list_cards(config_dir: Path | None) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what each data card says of itself, and what is wrong with those that cannot be read.

    :param config_dir: a folder with a user's own cards.
    """
    entries, faults = [], []
    for name, path in sorted(group_options("data", config_dir).items()):
        try:
            card = load_mapping(path, "a mapping with name, labels, source …")
        except ConfigError as error:  # one bad card must not hide the others
            faults.append(str(error))
            continue
        source, targets = _mapping(card.get("source")), _mapping(card.get("targets"))
        labels = card.get("labels") or []
        entries.append(
            {
                "name": name,
                "languages": [str(source.get("language", "")), *map(str, targets)],
                "labels": [str(label) for label in labels] if isinstance(labels, list) else [str(labels)],
                "license": str(card.get("license", "unknown")),
                "restricted": bool(card.get("restricted")),
                "citation": str(card.get("citation", "")),
            }
        )
    return entries, faults


def _mapping(value: object) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class CardData:
    """All labelled corpora of a card.

    :param differences: from the counts that the card expects, one sentence each.
    """

    config: Config
    corpora: list[Corpus]
    differences: list[str]


def load_card(name: str, config_dir: Path | None) -> CardData:
    """Read every file of a card.

    :raises DataError: it names none, or one is missing or malformed.
    """
    config = compose_config([f"data={name}"], config_dir)
    card = config.data
    wanted = [(language, split) for language in card.languages for split, _ in card.language_files(language).files()]
    if not wanted:
        raise DataError(f"{card.name} names no files; add them with data.source.train.path=… and so on")
    check_files(card, config.data_folder or Path.cwd(), wanted)
    catalogue = load_corpora(card, config.data_folder or Path.cwd(), wanted)
    return CardData(config, list(catalogue.corpora.values()), [str(difference) for difference in catalogue.differences])


def corpus_counts(corpus: Corpus) -> dict[str, Any]:
    """Return sizes of a corpus, what its reader counted, and its digest."""
    return {
        "split": f"{corpus.language}.{corpus.split}",
        "sentences": len(corpus),
        "characters": sum(len(sentence.text) for sentence in corpus.sentences),
        "entities": corpus.entities,
        "without_entities": sum(not sentence.spans for sentence in corpus.sentences),
        "labels": dict(corpus.label_counts),
        "account": dict(corpus.account),
        "digest": corpus.digest,
        **({"smallest_difference": detectable(corpus)} if corpus.split == "test" else {}),
    }


def detectable(corpus: Corpus) -> float:
    """Return the smallest difference of entity F1, 0..1, between two systems that a test set shows."""
    return smallest_difference([len(sentence.spans) for sentence in corpus.sentences])


@dataclass(frozen=True)
class Findings:
    """What is wrong with the data of a card.

    :param duplicates: sentences that a split repeats.
    :param overlaps: sentences that two splits share.
    :param leaked: test sentences that stand in a split that is no test, each once, and where the first does.
    """

    data: CardData
    duplicates: Sequence[Overlap]
    overlaps: Sequence[Overlap]
    leaked: tuple[int, str] = (0, "")

    @property
    def unused_labels(self) -> list[str]:
        """Labels of the card that no sentence of the source's training data has: a model learns nothing of them."""
        card = self.data.config.data
        train = [one for one in self.data.corpora if (one.language, one.split) == (card.source.language, "train")]
        return [label for label in card.labels if train and not any(one.label_counts.get(label) for one in train)]

    @property
    def faults(self) -> list[str]:
        """What makes the check fail: other counts than the card's, test sentences in another split."""
        faults = [f"{len(self.data.differences)} counts differ from the card"] if self.data.differences else []
        leaked, first = self.leaked
        where = f"{leaked} test sentences stand in another split (sentence {first}); take them out of that split"
        return faults + ([where] if leaked else [])

    def as_object(self) -> dict[str, Any]:
        """Return the findings for JSON."""
        return {
            "card": self.data.config.data.name,
            "differences": self.data.differences,
            "duplicates": [asdict(entry) for entry in self.duplicates],
            "overlaps": [asdict(entry) for entry in self.overlaps],
        }


def check_card(data: CardData) -> Findings:
    """Look for duplicates and for overlaps between splits; translations repeat their source and are left out."""
    labelled = [corpus for corpus in data.corpora if not corpus.split.startswith("translated")]
    repeated = [repeats for repeats in map(duplicates, labelled) if repeats]
    return Findings(data, repeated, overlaps(labelled), repeated_tests(labelled))


def convert_file(
    file: FileSource, target: Path, language: str, *, to_format: str | None, annotated: bool
) -> tuple[int, int, Account]:
    """Convert a file between formats.

    :param to_format: ``jsonl`` or ``conll``; by the target's ending without it.
    :param annotated: JSON without annotations is an error.
    :returns: sentences, entities, and what was repaired, dropped or could not be expressed.
    :raises UsageError: the format cannot be written.
    """
    wanted = to_format or target.suffix.lstrip(".")
    if wanted not in WRITERS:
        raise UsageError(f"{target}: format {wanted!r} cannot be written; allowed: {listing(WRITERS)} (give --to)")
    reading = read_source(file, language, Path.cwd(), annotated=annotated)
    account = Account(reading.account)
    if wanted == "jsonl":
        text = as_lines(reading.sentences)
    else:
        text, lost = conll_text(reading.sentences)
        account |= lost
    write_text(target, text)
    return len(reading.sentences), sum(len(sentence.spans) for sentence in reading.sentences), account
