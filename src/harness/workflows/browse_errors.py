"""The errors of a run in their sentences: ``harness errors RUN``. Gold is read again from the files of the run's card.

Of a restricted corpus no run stores predictions, so there is nothing to show.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.corpora.catalogue import load_corpora
from harness.evaluation.fates import EXACT, Fate, fates
from harness.evaluation.spans import ERROR_KINDS
from harness.tracking.records import Record
from harness.tracking.store import Store
from harness.values import interchange, names
from harness.values.errors import UsageError, listing, nearest
from harness.values.records import Corpus, Sentence, Span
from harness.workflows.rebuild import recomposed


@dataclass(frozen=True)
class Asked:
    """Which errors are asked for; everything without them.

    :param label: of gold or of the prediction.
    """

    language: str | None = None
    kind: str | None = None
    label: str | None = None

    def fits(self, fate: Fate) -> bool:
        """Return True for an error that is asked for."""
        labels = {span.label for span in (fate.gold, fate.predicted) if span}
        return fate.kind != EXACT and self.kind in (None, fate.kind) and (self.label is None or self.label in labels)


@dataclass(frozen=True)
class Erroneous:
    """A sentence with errors.

    :param errors: those that were asked for.
    """

    gold: Sentence
    predicted: tuple[Span, ...]
    errors: tuple[Fate, ...]


def run_errors(store: Store, record: Record, wish: Asked) -> list[Erroneous]:
    """Return the test sentences of a run that have errors, in the order of the files.

    :raises UsageError: a wish names what there is not, predictions were not stored, or the test files have changed.
    """
    if wish.kind not in (None, *ERROR_KINDS):
        raise UsageError(f"--kind {wish.kind!r}{nearest(str(wish.kind), ERROR_KINDS)}; allowed: {listing(ERROR_KINDS)}")
    stored = dict(_stored(store, record, wish.language))
    if not stored:
        tested = [language for language in record.tags.get(names.LANGUAGES, "").split(",") if language]
        raise UsageError(
            f"run {record.run_id} holds no predictions{f' on {wish.language}' if wish.language else ''} (tested: "
            f"{listing(tested)}): none are stored of restricted corpora, and with tracking.predictions=false"
        )
    found = []
    for language, corpus in _gold(record, list(stored)).items():
        for gold, predicted in zip(corpus.sentences, stored[language], strict=True):
            errors = tuple(filter(wish.fits, fates(gold.spans, predicted.spans)))
            if errors:
                found.append(Erroneous(gold, predicted.spans, errors))
    return found


def _stored(store: Store, record: Record, wanted: str | None) -> Iterator[tuple[str, Sequence[Sentence]]]:
    """Yield the languages with stored predictions; of separate models, those of the language's own."""
    several = record.metrics.get(names.MODELS, 1.0) > 1
    for language in record.tags.get(names.LANGUAGES, "").split(","):
        if language and wanted in (None, language):
            text = store.text(record.run_id, names.predictions(language if several else "", "test", language))
            if text is not None:
                yield language, interchange.from_lines(text)


def _gold(record: Record, languages: Sequence[str]) -> dict[str, Corpus]:
    config = recomposed(record)
    wanted = [(language, "test") for language in languages]
    catalogue = load_corpora(config.data, config.data_folder or Path.cwd(), wanted)
    tested = dict(entry.split("=") for entry in record.params.get(names.DATA_TESTS, "").split(",") if "=" in entry)
    found = {language: catalogue.corpus(language, "test") for language in languages}
    changed = [language for language, corpus in found.items() if not corpus.digest.startswith(tested.get(language, ""))]
    if changed:
        raise UsageError(
            f"the test files of {config.data.name} have changed since run {record.run_id}: {listing(changed)}; "
            "repeat the run to see its errors on them"
        )
    return found


def counted(sentences: Sequence[Erroneous]) -> Counter[tuple[str, str]]:
    """Return how many errors there are of each kind and label; a confusion names both labels."""
    return Counter((fate.kind, _labels(fate)) for one in sentences for fate in one.errors)


def _labels(fate: Fate) -> str:
    labels = [span.label for span in (fate.gold, fate.predicted) if span]
    return " → ".join(dict.fromkeys(labels))


def bracketed(text: str, spans: Sequence[Span]) -> str:
    """Return a text with its entities in brackets: ``[PER Anna] went to [LOC Lund]``."""
    shown, before = "", 0
    for start, end, label in sorted(spans):
        if start < before:
            continue  # spans of somebody's own predictions may overlap; the error line has them all
        shown += f"{text[before:start]}[{label} {text[start:end]}]"
        before = end
    return shown + text[before:]


def described(fate: Fate, text: str) -> str:
    """Return an error in words: ``label LOC → ORG 'Lund'``."""
    places = dict.fromkeys(span[:2] for span in (fate.gold, fate.predicted) if span)
    surfaces = " → ".join(repr(text[start:end]) for start, end in places)
    return f"{fate.kind.replace('_', ' ')}  {_labels(fate)}  {surfaces}"
