"""``harness compare`` on runs that were really made: one small network with two seeds, by two methods."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from harness import api
from harness.report.decision import Wanted
from harness.values.errors import UsageError
from tests.conftest import QUICK
from tests.report.decision_cases import study, table


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tracking URI of two methods with two seeds each."""
    folder = tmp_path_factory.mktemp("compare")
    uri = f"sqlite:///{folder}/runs.db"
    mini = [
        "trainer.max_steps=100", "trainer.learning_rate=1e-2", "method.languages=[fr,de]", "tracking.checkpoints=none",
        "encoder.filters=32", "encoder.hidden_units=48",
    ]  # fmt: skip
    for seed in (1, 2):
        for method in ("zero_shot", "synthetic"):
            api.run(*QUICK, *mini, f"tracking.uri={uri}", f"method={method}", seed=seed)
    return uri


def test_the_table_names_its_baseline_and_what_it_covers(harness: Callable[..., Result], runs: str) -> None:
    said = harness("compare", "--tracking-uri", runs).output
    assert "baseline" in said and "95 % intervals cover seeds and sentences, not languages" in said
    plain = harness("compare", "--tracking-uri", runs, "--no-decide").output
    assert "baseline" not in plain and "zero_shot" in plain


def test_the_gate_fails_where_a_row_is_worse(
    harness: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: str
) -> None:
    done = harness("compare", "--tracking-uri", runs, "--gate", "--region", 100)
    assert done.exit_code == 0 and "worse: 0" in done.output and "equal: 2" in done.output
    worse = table(study(), Wanted("entity_f1", against="method=synthetic,ratio=0.1"))
    monkeypatch.setattr("harness.api.compare", lambda *_, **__: worse)
    done = harness("compare", "--tracking-uri", runs, "--gate")
    assert done.exit_code == 1 and "worse: 4" in done.output
    with pytest.raises(UsageError, match="--no-decide leaves out"):
        harness("compare", "--tracking-uri", runs, "--gate", "--no-decide")


def test_formats_measures_and_columns_are_checked(harness: Callable[..., Result], runs: str, tmp_path: Path) -> None:
    caption = harness("compare", "--tracking-uri", runs, "--format", "latex", "--caption", "A & B").output
    assert r"\caption{A \& B" in caption
    assert "wrote" in harness("compare", "--tracking-uri", runs, "-o", tmp_path / "t.csv", "--format", "csv").output
    with pytest.raises(UsageError, match="no such column"):
        harness("compare", "--tracking-uri", runs, "--sort", "nothing")
    with pytest.raises(UsageError, match="--format 'xls'"):
        harness("compare", "--tracking-uri", runs, "--format", "xls")
    with pytest.raises(UsageError, match="allowed dev, test"):
        harness("compare", "--tracking-uri", runs, "--proxies", "--truth", "x")
