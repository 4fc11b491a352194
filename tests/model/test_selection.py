"""Which weights are kept, when the dev set is scored, and what a loss that is no number does."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from harness.model.checkpoint import BEST
from harness.model.encoder_memory import EncoderMemory
from harness.model.plan import Evaluation, TrainingData, Watch
from harness.model.selection import evaluation_steps
from harness.model.tagger import Tagger
from harness.model.train import Trained, train
from tests.model.models_cases import plan, toy

Weights = dict[str, torch.Tensor]


@given(st.integers(1, 5000), st.integers(1, 60))
def test_evaluations_are_equal_shares_and_the_last_is_at_the_end(total: int, evaluations: int) -> None:
    steps = evaluation_steps(total, evaluations)
    assert len(steps) == len(set(steps)) == min(total, evaluations)
    assert steps == sorted(steps) and steps[-1] == total and steps[0] >= 1
    gaps = [after - before for before, after in zip([0, *steps], steps, strict=False)]
    assert max(gaps) - min(gaps) <= 1


def fitted(
    tiny_bert: Path, folder: Path, scores: list[float], **settings: Any
) -> tuple[Trained, list[Weights], list[Evaluation]]:
    """Train with dev scores from a list; return the weights that were on the disk after each evaluation."""
    given_scores = iter([*scores, *[0.0] * 9])
    data = TrainingData(toy(8), toy(8), lambda spans: {"entity_f1": next(given_scores)})
    on_disk: list[Weights] = []
    seen: list[Evaluation] = []

    def on_evaluation(evaluation: Evaluation) -> None:
        seen.append(evaluation)
        on_disk.append(load_file(folder / BEST) if (folder / BEST).exists() else {})

    made = plan("transformer", tiny_bert, **settings)
    watch = Watch(on_evaluation=on_evaluation)
    return train(made, data, memory=EncoderMemory(), folder=folder, watch=watch), on_disk, seen


def same(first: Weights, second: Weights) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_best_keeps_the_evaluation_with_the_best_score_the_first_of_equal_ones(tiny_bert: Path, tmp_path: Path) -> None:
    model, on_disk, seen = fitted(
        tiny_bert, tmp_path, [0.2, 0.5, 0.4, 0.5], max_steps=8, evaluations=4, selection="best"
    )
    assert [evaluation.step for evaluation in seen] == [2, 4, 6, 8]
    assert (model.training.kept, model.training.kept_step, model.training.score) == (2, 4, 0.5)
    state = model.tagger.network.state_dict()
    assert same(dict(state), on_disk[1]) and same(on_disk[1], on_disk[3]) and not same(on_disk[0], on_disk[1])


def test_last_keeps_the_last_weights_whatever_dev_says(tiny_bert: Path, tmp_path: Path) -> None:
    model, on_disk, _ = fitted(tiny_bert, tmp_path, [0.9, 0.5, 0.1], max_steps=6, evaluations=3)
    assert (model.training.kept, model.training.steps, model.training.score) == (3, 6, 0.1)
    assert not same(on_disk[0], on_disk[2])
    assert same(dict(model.tagger.network.state_dict()), on_disk[2])


def test_average_is_the_mean_of_the_last_evaluations_and_is_scored_itself(tiny_bert: Path, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("last", "average")]
    for folder in folders:
        folder.mkdir()
    _, each, _ = fitted(tiny_bert, folders[0], [0.1] * 4, max_steps=8, evaluations=4)
    model, _, _ = fitted(
        tiny_bert, folders[1], [0.1] * 4 + [0.7], max_steps=8, evaluations=4, selection="average", average_last=3
    )
    state = model.tagger.network.state_dict()
    for name, tensor in state.items():
        mean = sum(weights[name].double() for weights in each[1:]) / 3 if tensor.is_floating_point() else tensor
        assert torch.allclose(tensor.double(), torch.as_tensor(mean).double(), atol=1e-6), name
    assert model.training.score == 0.7


def test_patience_stops_and_the_schedule_completes_without_it(tiny_bert: Path, tmp_path: Path) -> None:
    scores = [0.2, 0.5, 0.4, 0.3, 0.9]
    stopped, _, seen = fitted(
        tiny_bert, tmp_path, scores, max_steps=10, evaluations=5, selection="best", patience=2, accumulate_batches=1
    )
    assert (len(seen), stopped.training.steps, stopped.training.kept) == (4, 8, 2)


def test_a_budget_of_steps_ends_in_the_middle_of_a_pass(tiny_bert: Path, tmp_path: Path) -> None:
    model, _, _ = fitted(tiny_bert, tmp_path, [0.1], max_steps=3, batch_size=3, evaluations=1)
    training = model.training  # 8 sentences are batches of 3, 3 and 2
    assert (training.steps, training.sentences, training.epochs) == (3, 8, 1.0)
    more, _, _ = fitted(tiny_bert, tmp_path, [0.1], max_steps=4, batch_size=3, evaluations=1)
    assert more.training.sentences in (10, 11) and more.training.epochs > 1


def test_a_budget_of_tokens_is_as_many_steps_as_it_takes(tiny_bert: Path, tmp_path: Path) -> None:
    whole, _, _ = fitted(tiny_bert, tmp_path, [0.1], max_steps=6, batch_size=4, evaluations=1)
    tokens = whole.training.tokens
    again, _, _ = fitted(tiny_bert, tmp_path, [0.1], max_tokens=tokens, batch_size=4, evaluations=1)
    assert (again.training.steps, again.training.tokens) == (6, tokens)
    less, _, _ = fitted(tiny_bert, tmp_path, [0.1], max_tokens=tokens // 2, batch_size=4, evaluations=1)
    assert less.training.steps < 6 and less.training.tokens >= tokens // 2


def diverge_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the loss not a number from a step on."""
    whole = Tagger.training_step

    def training_step(self: Tagger, batch: Any, batch_idx: int) -> Any:
        loss = whole(self, batch, batch_idx)
        if loss is not None and self.trainer.global_step >= step:
            self.losses[-1] = self.losses[-1] * math.nan
            return loss * math.nan
        return loss

    monkeypatch.setattr(Tagger, "training_step", training_step)


@pytest.mark.parametrize("selection", ["best", "last", "average"])
def test_a_late_divergence_is_a_note_and_the_good_weights_are_kept(
    selection: str, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverge_after(5, monkeypatch)
    model, on_disk, seen = fitted(
        tiny_bert, tmp_path, [0.2, 0.5, 0.4, 0.9], max_steps=8, evaluations=4, selection=selection, average_last=2
    )
    assert len(seen) == 3, "the training ends where the loss is no number"
    assert model.training.collapsed == ""
    assert "not a finite number before step 6; the weights of step 4 are kept" in model.training.note
    assert all(bool(torch.isfinite(tensor).all()) for tensor in model.tagger.network.state_dict().values())
    assert same(dict(model.tagger.network.state_dict()), on_disk[1])


def test_an_early_divergence_is_a_collapse(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diverge_after(0, monkeypatch)
    model, _, _ = fitted(tiny_bert, tmp_path, [0.2], max_steps=4, evaluations=2)
    assert model.training.collapsed == "the training loss is not a finite number"


def test_a_model_is_not_judged_on_a_language_it_never_saw(tiny_bert: Path, tmp_path: Path) -> None:
    verdicts = {}
    for language in ("en", "sv"):
        folder = tmp_path / language
        folder.mkdir()
        data = TrainingData(toy(8, "sv"), toy(8, language), lambda spans: {"entity_f1": 0.0, "gold_entities": 9.0})
        made = plan("transformer", tiny_bert, max_steps=2)
        verdicts[language] = train(made, data, memory=EncoderMemory(), folder=folder).training.collapsed
    assert verdicts == {"en": "", "sv": "no entity of the dev set was ever found"}


def test_weights_that_find_nothing_have_collapsed_whatever_an_earlier_evaluation_found(
    tiny_bert: Path, tmp_path: Path
) -> None:
    model, _, _ = fitted(tiny_bert, tmp_path, [0.6, 0.0], max_steps=4, evaluations=2)
    assert model.training.collapsed == "no entity of the dev set is found, 60.0 F1 at step 2 were"
