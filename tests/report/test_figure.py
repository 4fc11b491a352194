"""The picture of a comparison: well formed, escaped, darkest where the score is highest."""

import re
from xml.etree import ElementTree

from harness.report.figure import heat_map
from harness.values.table import Column, Figure, Table

SVG = "{http://www.w3.org/2000/svg}"


def table(name: str = "zero_shot") -> Table:
    columns = (
        Column("method", "method"),
        Column("seeds", "seeds"),
        Column("a", "en", "score"),
        Column("b", "sv", "score"),
    )
    rows = ((name, "3", Figure(0.9), Figure(0.5)), ("synthetic", "3", Figure(None), Figure(0.7)))
    return Table(columns, rows)


def test_scores_stand_in_fields_and_what_is_missing_stays_empty() -> None:
    root = ElementTree.fromstring(heat_map(table(), "a title"))
    texts = [node.text for node in root.iter(f"{SVG}text")]
    assert texts == ["en", "sv", "zero_shot", "90.0", "50.0", "synthetic", "70.0"]
    fills = [node.get("fill") for node in root.iter(f"{SVG}rect")][1:]
    assert len(fills) == 3 and fills[0] == "#08457e" and fills[1] == "#ebf3fb"
    assert root.find(f"{SVG}title").text == "a title" and root.get("role") == "img"  # type: ignore[union-attr]


def test_names_can_be_anything() -> None:
    text = heat_map(table("<script>alert(1)</script>&\x1b[31m"), "<b>")
    assert "<script>" not in text and "\x1b" not in text
    ElementTree.fromstring(text)
    assert ElementTree.fromstring(heat_map(Table((Column("m", "m"),), ()))) is not None
    assert re.search(r'width="\d+"', text)
