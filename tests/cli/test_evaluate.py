import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result


def test_perfect_predictions_score_one(harness: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("Anna\tB-PER\nbor\tO\n", encoding="utf-8")
    done = harness("evaluate", tmp_path / "a.conll", tmp_path / "a.conll", "--json")
    assert json.loads(done.output.splitlines()[-1])["entity_f1"] == 1.0
