import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from harness import api
from tests.conftest import QUICK


def test_errors_are_shown_in_their_sentences(harness: Callable[..., Result], toy_card: Path, tracking: str) -> None:
    made = api.run(*QUICK, "trainer.max_epochs=4", f"tracking.uri={tracking}", config_dir=toy_card, data="toy")
    store = ["--tracking-uri", tracking]
    said = harness("errors", made.run_id[:8], *store, "--language", "sv", "--limit", 1).output
    assert "  gold   [PER " in said and "  found  " in said and "errors in" in said and "--limit shows more" in said
    lines = harness("errors", made.run_id, *store, "--language", "sv", "--json").output.splitlines()
    assert set(json.loads(lines[0])) == {"id", "language", "text", "errors"}
    assert "gold" not in harness("errors", made.run_id, *store, "--limit", 0).output
