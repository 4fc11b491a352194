import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from harness.cli.export import free_port
from harness.config import compose_config
from harness.pipeline import Result as Run
from harness.pipeline import run_experiment
from harness.values.errors import UsageError
from tests.conftest import QUICK

BASE = ["data=toy", "trainer.max_steps=200", "trainer.batch_size=8", "trainer.threads=1", *QUICK]


def test_an_unknown_form_or_measure_is_refused_before_the_store_is_opened(harness: Callable[..., Result]) -> None:
    with pytest.raises(UsageError, match="--format 'xml': allowed table, csv, md, latex, json"):
        harness("compare", "--format", "xml")


def test_a_folder_without_a_model_predicts_nothing(harness: Callable[..., Result], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no harness.json"):
        harness("predict", tmp_path, stdin="Anna\n")


def run(folder: Path, tracking: str, *overrides: str) -> Run:
    config = compose_config([*BASE, f"tracking.uri={tracking}", *overrides], folder)
    return run_experiment(config, command="harness run x")


def test_runs_are_compared_with_their_cost_and_their_proxies(
    harness: Callable[..., Result], toy_card: Path, tracking: str
) -> None:
    for seed in (1, 2):
        run(toy_card, tracking, f"seed={seed}", "tracking.proxies=every")
        run(toy_card, tracking, f"seed={seed}", "tracking.proxies=every", "method=synthetic", "method.ratio=0.25")
    table = harness("compare", "--tracking-uri", tracking, "--cost").output
    assert "steps" in table and "tokens" in table and "seconds" in table
    proxies = harness("compare", "--tracking-uri", tracking, "--proxies").output
    assert "synthetic_dev" in proxies and "source dev" in proxies and "oracle use" in proxies
    with pytest.raises(UsageError, match="--truth 'gold': allowed dev, test"):
        harness("compare", "--tracking-uri", tracking, "--proxies", "--truth", "gold")


def test_best_is_chosen_by_a_proxy_and_the_card_says_so(
    harness: Callable[..., Result], toy_card: Path, tracking: str, tmp_path: Path
) -> None:
    run(toy_card, tracking)
    run(toy_card, tracking, "method=synthetic", "method.ratio=0.25")
    done = harness("export", "best", "-o", tmp_path / "best", "--tracking-uri", tracking)
    assert "chosen: the best of 2 runs on held-out synthetic sentences" in done.output
    assert (
        "Chosen as the best of 2 runs on held-out synthetic sentences" in (tmp_path / "best" / "README.md").read_text()
    )
    harness("export", "best", "-o", tmp_path / "zero", "--method", "zero_shot", "--tracking-uri", tracking)
    assert "# char-bilstm, zero_shot: PER, LOC" in (tmp_path / "zero" / "README.md").read_text()
    with pytest.raises(UsageError, match="a run is named by its id alone"):
        harness("export", "abc", "-o", tmp_path / "x", "--method", "zero_shot", "--tracking-uri", tracking)


def test_a_translate_test_model_is_exported_checked_and_used(
    harness: Callable[..., Result], toy_card: Path, tracking: str, tmp_path: Path
) -> None:
    engine = ["method=translate_test", "translator=file", "aligner=hmm", "method.languages=[sv]"]
    made = run(toy_card, tracking, *engine)
    folder = tmp_path / "model"
    done = harness("export", made.run_id, "-o", folder, "--tracking-uri", tracking)
    assert "the same spans on 22 of 22 test sentences" in done.output, "12 English tests and 10 translated Swedish ones"
    assert "Texts in another language are translated" in (folder / "README.md").read_text()
    table = tmp_path / "table.tsv"
    table.write_text("oslo day9 anna went to .\tanna went to oslo day9 .\n", encoding="utf-8")
    through = ["--language", "sv", "--translator", "file", "--set", f"translator.path={table}"]
    tagged = json.loads(harness("predict", folder, *through, stdin="oslo day9 anna went to .\n").stdout)
    assert tagged["text"] == "oslo day9 anna went to ." and tagged["language"] == "sv"
    with pytest.raises(UsageError, match="name an engine with --translator"):
        harness("predict", folder, "--language", "sv", stdin="oslo\n")


def test_the_ui_takes_a_free_port_and_says_which_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {taken} of 127.0.0.1 is taken; give another with --port"):
            free_port(taken)
        assert 5000 <= free_port(None) < 5100
    assert free_port(taken) == taken
