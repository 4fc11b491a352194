import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from harness.workflows.evaluate_files import score_files
from harness.workflows.evaluate_systems import as_object, compare_systems, system_values
from tests.cli.conftest import harness  # noqa: F401 - a fixture


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Gold of 40 names, and systems that find so many of them: a of 30 to 32, b of 20 to 22."""
    gold = "".join(f"Anna{number}\tB-PER\nran\tO\n\n" for number in range(40))
    (tmp_path / "gold.conll").write_text(gold, encoding="utf-8")
    for name, found in (("a1", 30), ("a2", 31), ("a3", 32), ("b1", 20), ("b2", 21), ("b3", 22)):
        text = "".join(f"Anna{n}\t{'B-PER' if n < found else 'O'}\nran\tO\n\n" for n in range(40))
        (tmp_path / f"{name}.conll").write_text(text, encoding="utf-8")
    return tmp_path


def test_systems_of_several_files_are_compared_over_seeds_and_sentences(files: Path) -> None:
    first, second = (
        [score_files(files / "gold.conll", files / f"{name}{n}.conll") for n in (1, 2, 3)] for name in "ab"
    )
    values = system_values(first)
    # F1 of 30, 31, 32 found of 40: 2 * 30 / 70, 2 * 31 / 71, 2 * 32 / 72.
    assert values["entity_f1"] == pytest.approx((60 / 70 + 62 / 71 + 64 / 72) / 3) and values["entity_f1_sd"] > 0
    found = compare_systems(first, second)["entity_f1"]
    assert found.verdict == "better" and found.covers == ("seeds", "sentences")
    assert as_object(found)["low"] > 0.01


def test_one_file_against_several_has_no_verdict(files: Path) -> None:
    gold = files / "gold.conll"
    single = [score_files(gold, files / "a1.conll")]
    several = [score_files(gold, files / f"b{n}.conll") for n in (1, 2)]
    assert compare_systems(single, several)["entity_f1"].verdict == "one seed"


def test_files_are_named_on_the_command_line(harness: Callable[..., Result], files: Path) -> None:  # noqa: F811
    place = [files / f"a{n}.conll" for n in (1, 2, 3)]
    against = [part for n in (1, 2, 3) for part in ("--against", files / f"b{n}.conll")]
    said = harness("evaluate", files / "gold.conll", *place, *against).output
    assert "better" in said and "intervals cover seeds, sentences" in said and "87." in said
    values = json.loads(harness("evaluate", files / "gold.conll", *place, *against, "--json").output.splitlines()[0])
    assert values["differences"]["entity_f1"]["verdict"] == "better" and values["systems"][0]["files"] == 3
    alone = harness("evaluate", files / "gold.conll", *place).output
    assert "3 files" in alone and "difference" not in alone
    one = harness("evaluate", files / "gold.conll", place[0], "--against", files / "b1.conll").output
    assert "give a file for each seed" in one
