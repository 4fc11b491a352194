import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from harness.api import repeatable
from harness.cli.run import completed


def test_the_recorded_line_works_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    assert repeatable(["encoder.path=model", "seed=2"], tmp_path / "cfg") == [
        "--config-dir", str(tmp_path / "cfg"), f"encoder.path={tmp_path / 'model'}", "seed=2",
    ]  # fmt: skip
    assert repeatable(["encoder.path=org/name"], None) == ["encoder.path=org/name"], "a hub id stays"


@pytest.mark.parametrize(
    ("before", "word", "offered"),
    [
        ([], "enc", ["encoder="]),
        ([], "encoder=char", ["encoder=char-bilstm"]),
        (["encoder", "="], "char", ["char-bilstm"]),  # as bash cuts it
        ([], "seed=", []),
    ],
)
def test_groups_and_their_choices_are_completed(before: list[str], word: str, offered: list[str]) -> None:
    assert completed(before, word) == offered


def test_a_group_offers_all_its_choices() -> None:
    assert "zero_shot" in completed(["method"], "") and "method=zero_shot" in completed([], "method")


def test_the_configuration_is_shown_and_nothing_run(
    harness: Callable[..., Result], toy_card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = yaml.safe_load(harness("run", "--show", "--config-dir", toy_card, "data=toy", "seed=7").output)
    assert (shown["seed"], shown["data"]["name"], shown["encoder"]["name"]) == (7, "toy", "char-bilstm")
    assert not (tmp_path / "mlruns").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "data.source.train.path=/no/such.txt"], "no such file: /no/such.txt (rx-mini en.train)"),
        (["predict", "/no/such"], "holds no harness.json"),
        (["sweep", "/no/such.yaml"], "no such sweep file"),
        (["export", "deadbeef", "-o", "x"], "no tracking store"),
    ],
)
def test_what_is_missing_is_told_before_torch_is_loaded(words: list[str], said: str, tmp_path: Path) -> None:
    code = (
        "import sys; from harness.cli import main; sys.argv = ['harness', *sys.argv[1:]]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(end.code, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert said in done.stderr
    assert done.stdout == "2 False\n"
