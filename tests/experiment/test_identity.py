"""What makes two experiments the same."""

from pathlib import Path

import pytest

from harness.config import compose_config
from harness.experiment.identity import identity_digest
from harness.values.errors import FileError


def digest(folder: Path, *overrides: str) -> str:
    return identity_digest(compose_config(["data=toy", *overrides], folder))


def test_descriptions_places_and_machines_make_no_difference(toy_card: Path, tmp_path: Path) -> None:
    base = digest(toy_card)
    for override in (
        "data.citation=somebody", "data.license=MIT", "data.description=x", "data.restricted=true", "encoder.notes=slow",
        "encoder.citation=x", "trainer.threads=3", "tracking.experiment=y", "tracking.checkpoints=none",
        "data.expected={}", "trainer.batch_size=32.0", "method.projection.gaps=1", "translator.timeout_seconds=5",
        "translator.concurrency=1", "translator.api_key_env=MY_KEY",
    ):  # fmt: skip
        assert digest(toy_card, override) == base, override
    moved = tmp_path / "elsewhere"
    toy_card.rename(moved)
    assert digest(moved) == base


def test_settings_and_the_content_of_the_files_do(toy_card: Path) -> None:
    seen = {digest(toy_card)}
    for override in (
        "seed=2", "trainer.batch_size=8", "method=target_supervised", "data.label_map={X: PER}", "encoder.filters=8",
        "data.source.train.format=jsonl", "trainer.learning_rate=0.01",
    ):  # fmt: skip
        seen.add(digest(toy_card, override))
    assert len(seen) == 8
    before = digest(toy_card)
    for name in ("en/train.conll", "en/dev.conll", "sv/test.conll", "sv/dev.conll"):
        path = toy_card / "data" / name
        path.write_text(path.read_text() + "\nx O\n")
        after = digest(toy_card)
        assert after != before, name
        before = after
    # What a run does not read has no part in it.
    (toy_card / "data" / "sv" / "synthetic.jsonl").write_text("{}")
    assert digest(toy_card) == before
    assert digest(toy_card, "method=synthetic", "method.ratio=0.25") != before


def test_the_cards_recommendation_counts_where_it_is_followed(toy_card: Path) -> None:
    assert digest(toy_card, "encoder.learning_rate=0.5", "trainer.learning_rate=0.1") == digest(
        toy_card, "trainer.learning_rate=0.1"
    )
    assert digest(toy_card, "encoder.learning_rate=0.1") == digest(toy_card, "trainer.learning_rate=0.1")


def test_a_missing_file_is_named_before_anything_runs(toy_card: Path) -> None:
    (toy_card / "data" / "sv" / "test.conll").unlink()
    with pytest.raises(FileError, match=r"no such file: .*sv/test.conll"):
        digest(toy_card)


def test_what_a_folder_of_weights_is_called_moves_no_figure(toy_card: Path, tiny_bert: Path, tmp_path: Path) -> None:
    import shutil

    other = shutil.copytree(tiny_bert, tmp_path / "other-name")
    digests = {
        identity_digest(compose_config(["data=toy", "encoder=hf", f"encoder.path={path}"], toy_card))
        for path in (tiny_bert, other)
    }
    assert len(digests) == 1
