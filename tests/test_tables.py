"""Every entry of a table has a case, a card where it is chosen by one, and a line in docs: nothing is added by halves."""

from pathlib import Path
from typing import get_args

import pytest

from harness.config import AlignerCard, EncoderCard, TranslatorCard
from harness.config.compose import group_options
from harness.config.synthesis import FilterSettings
from harness.corpora.readers import READERS
from harness.report.render import FORMATS
from harness.synthesis.filters import FILTERS
from harness.transfer.projection.rules import RULES
from harness.values.names import MEASURES

ROOT = Path(__file__).parents[1]
DOCS = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md")))
TESTS = {
    folder: "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests" / folder).rglob("*.py")))
    for folder in ("corpora", "transfer", "model", "synthesis", "report", "evaluation")
}


def kinds(card: type) -> list[str]:
    return [kind for kind in get_args(card.model_fields["kind"].annotation) if kind != "none"]  # type: ignore[attr-defined]


TABLES = {
    "readers": ("corpora", [*READERS, "parquet", "arrow", "rows"]),
    "translators": ("transfer", kinds(TranslatorCard)),
    "aligners": ("transfer", kinds(AlignerCard)),
    "encoders": ("model", kinds(EncoderCard)),
    "filters": ("synthesis", [filter_.reason for filter_ in FILTERS]),
    "projection rules": ("transfer", [name for name in RULES if name != "trim"]),
    "measures": ("evaluation", list(MEASURES)),
    "forms of a table": ("report", list(FORMATS)),
}


@pytest.mark.parametrize(("table", "entry"), [(table, entry) for table, (_, rows) in TABLES.items() for entry in rows])
def test_every_entry_of_a_table_has_a_case_and_a_line_of_docs(table: str, entry: str) -> None:
    folder, _ = TABLES[table]
    assert entry in TESTS[folder], f"{table}: no test in tests/{folder} names {entry}"
    assert entry.replace("label_studio", "Label Studio") in DOCS or entry in DOCS, (
        f"{table}: no page of docs names {entry}"
    )


@pytest.mark.parametrize("group", ["translator", "aligner"])
def test_every_kind_of_engine_has_a_card(group: str) -> None:
    card = {"translator": TranslatorCard, "aligner": AlignerCard}[group]
    text = "\n".join(path.read_text(encoding="utf-8") for path in group_options(group).values())
    assert not [kind for kind in kinds(card) if f"kind: {kind}" not in text]


def test_every_filter_has_its_switch_and_every_switch_its_filter() -> None:
    assert {filter_.setting for filter_ in FILTERS} == set(FilterSettings.model_fields)
