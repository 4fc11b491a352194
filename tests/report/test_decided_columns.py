import json

import pytest

from harness.report.render import FORMATS, latex_table
from harness.values.table import Figure
from tests.report.decision_cases import study, table


def test_the_table_says_what_is_decided() -> None:
    found = table(study())
    rows = [dict(zip(found.header, row, strict=True)) for row in found.formatted()]
    assert [row["method"] for row in rows] == ["zero_shot", "synthetic", "synthetic", "tie"]
    assert rows[0]["Δ mean [95 %]"] == "baseline" and rows[0]["rank"].startswith("2")
    assert rows[1]["Δ mean [95 %]"].startswith("+20.3 [") and rows[1]["Δ mean [95 %]"].endswith("] ++")
    assert rows[1]["mean"].endswith("*") and not rows[0]["mean"].endswith("*")
    assert rows[3]["Δ mean [95 %]"].endswith("=")


def test_the_best_are_bold_in_a_paper() -> None:
    text = latex_table(table(study()), "Swedish & Danish.")
    assert r"\textbf{71.3 $\pm$1.5}" in text and r"\caption{Swedish \& Danish. Bold:" in text
    assert r"$\Delta$ mean [95 \%]" in text and text.count(r"\begin{table}") == 1


def test_everything_is_there_at_full_precision() -> None:
    rows = json.loads(FORMATS["json"](table(study())))
    best = next(row for row in rows if row["ratio"] == "0.1")
    assert best["difference/mean_verdict"] == "better" and best["tie_group"] == 1 and not best["baseline"]
    assert best["difference/sv"] == pytest.approx(0.2) == best["difference/sv_low"], "every seed is 20 points above"
    assert 0 <= best["best_probability"] <= 1 and best["rank_low"] >= 1
    header = FORMATS["csv"](table(study())).splitlines()[0]
    assert "difference/da_p" in header


def test_one_seed_has_no_rank_and_marks_nothing() -> None:
    runs = [run for run in study() if run[0].params["seed"] == "1"]
    found = table(runs)
    assert all(row[-1] == "" for row in found.rows)
    assert not any(cell.best for row in found.rows for cell in row if isinstance(cell, Figure))
