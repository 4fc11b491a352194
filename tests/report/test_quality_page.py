"""The page of a quality card: escaped, readable on a phone, a colour for each label."""

from pathlib import Path

from harness.answers.files import Account as ItemAccount
from harness.report.quality_page import label_colours, quality_page
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


def test_each_label_has_a_colour_of_its_own() -> None:
    colours = label_colours(
        ["DRUG", "STRENGTH", "FREQUENCY", "DURATION", "DOSAGE", "FORM"], (f"L{i}" for i in range(14))
    )
    assert len(set(colours.values())) == len(colours) == 20
    assert colours == label_colours(list(colours)), "the same on every page"


def test_warnings_stand_before_the_figures_and_bars_keep_their_text() -> None:
    from harness.values.records import Sentence, Span

    sentence = Sentence("1", "Anna was here", "en", (Span(0, 4, "PER"),))
    card = quality_card(
        [sentence], ItemAccount({"items": 1, "parsed": 1, "kept": 1}), language="en", labels=["PER", "LOC"]
    )
    assert card["warnings"], "LOC has no entity"
    page = quality_page(card, "corpus", [(sentence.text, [span._asdict() for span in sentence.spans])])
    assert page.index("class='warning'") < page.index("<h2>")
    assert "<svg" not in page, "scaled text is unreadable on a phone"
