from pathlib import Path

import pytest

from harness import api
from harness.evaluation.fates import Fate
from harness.tracking.records import Record, collect
from harness.tracking.store import Store
from harness.values.errors import UsageError
from harness.values.records import Span
from harness.workflows.browse_errors import Asked, bracketed, counted, described, run_errors
from tests.conftest import QUICK


@pytest.fixture
def run(toy_card: Path, tracking: str) -> tuple[Store, Record]:
    """A run of a network too small to find everything."""
    # The resolved command is what gold is found again by.
    api.run(*QUICK, "trainer.max_epochs=4", f"tracking.uri={tracking}", config_dir=toy_card, data="toy")
    store = Store(tracking)
    return store, collect(store, None)[0]


def test_the_errors_are_those_that_were_counted(run: tuple[Store, Record]) -> None:
    store, record = run
    found = run_errors(store, record, Asked("sv"))
    kinds = dict.fromkeys(("boundary", "label", "boundary_and_label", "missed", "spurious"), 0)
    for (kind, _), count in counted(found).items():
        kinds[kind] += count
    assert kinds == {kind: record.metrics[f"test/sv/errors_{kind}"] for kind in kinds}
    assert sum(kinds.values()), "a network that finds everything shows nothing here"


def test_wishes_narrow_them_and_wrong_ones_are_told(run: tuple[Store, Record]) -> None:
    store, record = run
    missed = run_errors(store, record, Asked("sv", "missed", "PER"))
    assert all(
        fate.kind == "missed" and fate.gold and fate.gold.label == "PER" for one in missed for fate in one.errors
    )
    with pytest.raises(UsageError, match="did you mean 'missed'"):
        run_errors(store, record, Asked(kind="mised"))
    with pytest.raises(UsageError, match=r"holds no predictions on fr \(tested: en, sv, sw\)"):
        run_errors(store, record, Asked("fr"))


def test_changed_test_files_are_refused(run: tuple[Store, Record], toy_card: Path) -> None:
    store, record = run
    path = toy_card / "data" / "sv" / "test.conll"
    path.write_text(path.read_text(encoding="utf-8").replace("went", "ran"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"test files of toy have changed since run .*: sv"):
        run_errors(store, record, Asked("sv"))


def test_restricted_corpora_have_none_to_show(toy_card: Path, tracking: str) -> None:
    card = toy_card / "data" / "toy.yaml"
    card.write_text(
        card.read_text(encoding="utf-8").replace("name: toy", "name: toy\nrestricted: true"), encoding="utf-8"
    )
    api.run(*QUICK, "trainer.max_epochs=1", f"tracking.uri={tracking}", config_dir=toy_card, data="toy")
    store = Store(tracking)
    with pytest.raises(UsageError, match="none are stored of restricted corpora"):
        run_errors(store, collect(store, None)[0], Asked())


def test_sentences_and_errors_in_words() -> None:
    text = "Anna went to Lund"
    assert bracketed(text, [Span(13, 17, "LOC"), Span(0, 4, "PER")]) == "[PER Anna] went to [LOC Lund]"
    fate = Fate("label", Span(13, 17, "LOC"), Span(13, 17, "ORG"))
    assert described(fate, text) == "label  LOC → ORG  'Lund'"
    assert (
        described(Fate("boundary", Span(13, 17, "LOC"), Span(10, 17, "LOC")), text)
        == "boundary  LOC  'Lund' → 'to Lund'"
    )
