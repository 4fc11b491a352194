"""Trainings that are killed before any step, and go on to the same last digit."""

from pathlib import Path
from typing import Any

import pytest
import torch

from harness.model.checkpoint import FINISHED, STATE, StateKeeper, TrainingFolder
from harness.model.encoder_memory import EncoderMemory
from harness.model.plan import Watch
from harness.model.train import Trained, train
from tests.model.models_cases import plan, toy_data

EPOCHS = 3


class Killed(BaseException):
    """As a kill: nothing of ours catches it."""


def go_on(kind: str, tiny_bert: Path, folder: Path, watch: Watch | None = None, **settings: Any) -> Trained:
    chosen = plan(kind, tiny_bert, epochs=EPOCHS, evaluations=EPOCHS, **settings)
    watch = watch or Watch(state_seconds=0)
    return train(chosen, toy_data(), memory=EncoderMemory(), folder=folder, watch=watch)


def kill_before(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the training end before a step (from 0), after its state was written."""
    whole = StateKeeper.on_train_batch_start

    def watched(self: StateKeeper, trainer: Any, *arguments: Any) -> None:
        resumed = self._restored is not None
        whole(self, trainer, *arguments)
        if trainer.fit_loop.epoch_loop.total_batch_idx == step and not resumed:
            raise Killed

    monkeypatch.setattr(StateKeeper, "on_train_batch_start", watched)


def same(first: Trained, second: Trained) -> bool:
    weights = first.tagger.network.state_dict(), second.tagger.network.state_dict()
    timed = ("seconds", "per_second")
    figures = [
        {name: value for name, value in trained.metrics.items() if not any(part in name for part in timed)}
        for trained in (first, second)
    ]
    return (
        all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
        and figures[0] == figures[1]
        and first.training.history == second.training.history
    )


MEAN = {"selection": "average", "average_last": 2, "max_steps": 15}
"""Ends within the third pass; kept is the mean of the evaluations at steps 10 and 15."""


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        *((kind, {"accumulate_batches": count}) for kind in ("char-bilstm", "transformer") for count in (1, 4)),
        ("char-bilstm", {"selection": "best"}),
        ("char-bilstm", MEAN),
    ],
    ids=str,
)
def test_a_training_killed_before_any_step_ends_as_an_undisturbed_one(
    kind: str, settings: dict[str, Any], tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 48 sentences in batches of 8: 6 steps an epoch; the second epoch of 6 batches ends within an accumulation of 4.
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    reference = go_on(kind, tiny_bert, undisturbed, **settings)
    for step in (1, 5, 6, 7, 11, 12, 14 if "max_steps" in settings else 17):
        folder = tmp_path / f"killed-{step}"
        folder.mkdir()
        with monkeypatch.context() as patched:
            kill_before(step, patched)
            with pytest.raises(Killed):
                go_on(kind, tiny_bert, folder, **settings)
        (state,) = [path for path in folder.iterdir() if path.is_dir()]
        assert (state / STATE).is_file()
        told: list[int] = []
        watch = Watch(on_evaluation=lambda evaluation, told=told: told.append(evaluation.number), state_seconds=0)
        resumed = go_on(kind, tiny_bert, folder, watch, **settings)
        assert same(reference, resumed), f"killed before step {step}"
        assert told == [1, 2, 3], "whoever watches hears of every evaluation"


def test_a_finished_training_is_taken_up_and_one_of_other_data_is_not(tiny_bert: Path, tmp_path: Path) -> None:
    first = go_on("char-bilstm", tiny_bert, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [FINISHED]

    def forbidden(*arguments: object, **settings: object) -> None:
        raise AssertionError("trained again")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("harness.model.train._fit", forbidden)
        assert same(first, go_on("char-bilstm", tiny_bert, tmp_path))
        with pytest.raises(AssertionError, match="trained again"):
            go_on("char-bilstm", tiny_bert, tmp_path, seed=2)


def test_a_damaged_state_is_passed_over(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        kill_before(7, patched)
        with pytest.raises(Killed):
            go_on("char-bilstm", tiny_bert, tmp_path)
    (state,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    content = bytearray((state / STATE).read_bytes())
    content[len(content) // 2] ^= 1
    (state / STATE).write_bytes(bytes(content))
    assert TrainingFolder(tmp_path, "x").newest() is None
    whole = tmp_path / "whole"
    whole.mkdir()
    assert same(go_on("char-bilstm", tiny_bert, whole), go_on("char-bilstm", tiny_bert, tmp_path))


def test_steps_are_timed_over_all_parts(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        kill_before(8, patched)
        with pytest.raises(Killed):
            go_on("char-bilstm", tiny_bert, tmp_path)
    resumed = go_on("char-bilstm", tiny_bert, tmp_path)
    assert 0 < resumed.training.train_seconds <= resumed.training.seconds < 60


def test_states_of_another_training_give_way(tiny_bert: Path, tmp_path: Path) -> None:
    go_on("char-bilstm", tiny_bert, tmp_path)
    go_on("char-bilstm", tiny_bert, tmp_path, seed=2)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [FINISHED]


def test_a_state_that_cannot_be_written_ends_no_training(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(self: object, *arguments: object, **settings: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("harness.model.checkpoint.PlainCheckpointIO.save_checkpoint", full)
        model = go_on("char-bilstm", tiny_bert, tmp_path)
    assert model.training.epochs == EPOCHS
    assert sum("no state of this training can be written" in record.getMessage() for record in caplog.records) == 1
