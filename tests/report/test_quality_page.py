"""Generation against a real server on loopback with faults, resumption, budgets, batch files, and the command line."""

from pathlib import Path

from harness.answers.files import Account as ItemAccount
from harness.report.quality_page import quality_page
from harness.synthesis.card import label_distance, quality_card


def test_the_quality_page_escapes_everything(tmp_path: Path) -> None:
    from harness.values.records import Sentence, Span

    text = "<script>alert(1)</script> & Anna"
    sentence = Sentence("1", text, "sv", (Span(28, 32, "<b>"),))
    card = quality_card([sentence], ItemAccount({"items": 1, "parsed": 1, "kept": 1}), language="sv", labels=["<b>"], source={"<b>": 1},
                        facts={"origin": {"model": "<i>"}})  # fmt: skip
    page = quality_page(card, "<title>", [(text, [span._asdict() for span in sentence.spans])])
    assert "<script>" not in page and "<b>" not in page.replace("<b>sv</b>", "") and "<i>" not in page
    assert card["label_distance"] == 0.0
    assert label_distance({"A": 1}, {"B": 3}) == 1.0
