import json

import pytest

from harness.config.compose import group_options
from harness.report.published import published, with_published
from harness.report.render import FORMATS
from harness.values.errors import UsageError
from harness.values.languages import normalise_language
from harness.values.names import MEASURES
from tests.report.decision_cases import study, table

METHODS = {*group_options("method")}
CERTAINTIES = {"seen in the source", "computed from the authors' files", "seen at second hand"}


def test_every_figure_has_its_source_and_how_certain_it_is() -> None:
    found = published()
    assert len(found) > 150
    for one in found:
        assert one.source and one.settings and one.certainty in CERTAINTIES, one
        assert one.method in METHODS and one.encoder in {"", *group_options("encoder")}, one
        assert one.language == normalise_language(one.language) and one.measure in MEASURES, one
        assert 0 <= one.figure <= 100 and (one.deviation is None or one.deviation >= 0), one
    assert len({(one.method, one.encoder, one.data, one.language, one.source, one.settings) for one in found}) == len(
        found
    )


def test_single_figures_are_those_of_the_source() -> None:
    by = {
        (one.source[:8], one.method, one.encoder, one.language): one.figure
        for one in published()
        if one.method != "synthetic"
    }
    assert by["Fontaine", "zero_shot", "xlmr-base", "fr"] == 80.4
    assert by["Kamath a", "zero_shot", "xlmr-large", "sv"] == 88.1
    assert by["Adelani ", "target_supervised", "afro-xlmr-base", "zu"] == 88.5
    assert by["Mayhew e", "target_supervised", "xlmr-large", "sv"] == 88.3


def test_published_rows_stand_under_ones_own_and_are_not_tested_against() -> None:
    own = table(study())
    both = with_published(own, ["uner"])
    assert both.rows[: len(own.rows)] == tuple((*row, "") for row in own.rows)
    text = FORMATS["table"](both)
    assert "88.1" in text and "[1]" in text and both.header[-1] == "source"
    (zero_shot,) = [line for line in text.splitlines() if "zero_shot" in line and "xlmr-large" in line]
    assert "79.7" in zero_shot and "++" not in zero_shot, "Danish beside Swedish, no verdict"
    assert any("Kamath and Vajjala" in note and "da: trained on sv" in note for note in both.notes)
    rows = json.loads(FORMATS["json"](both))
    assert rows[-1]["published"] and rows[-1]["difference/mean"] is None
    assert FORMATS["csv"](both).count("\n") == len(both.rows)


def test_unknown_corpora_and_other_languages_are_told() -> None:
    with pytest.raises(UsageError, match="did you mean 'uner'"):
        with_published(table(study()), ["unr"])
    with pytest.raises(UsageError, match="nothing is published on mednerf"):
        with_published(table(study()), ["mednerf"])
