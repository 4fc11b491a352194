"""Which weights are kept: those of the best, of the last, or the mean of the last evaluations.

The dev set is scored at equal shares of the steps, so that mixtures of different sizes are judged equally often. What
is on the disk is always usable: a loss that is no number ends the training and leaves the weights kept before.
"""

import json
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from harness.config import TrainerConfig
from harness.machine.files import atomic_path
from harness.machine.process import release_freed_memory
from harness.machine.progress import duration
from harness.model.contract import state_of
from harness.model.plan import Evaluation, OnEvaluation
from harness.model.tagger import Tagger
from harness.values.errors import HarnessError

logger = logging.getLogger(__name__)

SILENT_SECONDS = 30.0
"""Without an evaluation, after which a line says how far a training is."""


def evaluation_steps(total: int, evaluations: int) -> list[int]:
    """Return the optimizer steps after which the dev set is scored: equal shares, the last one at the end.

    >>> evaluation_steps(45, 4)
    [11, 22, 34, 45]
    """
    count = min(evaluations, total)
    return [round(total * number / count) for number in range(1, count + 1)]


class Recorder:
    """Writes evaluations to a file: with several devices they happen in processes of their own, where a tracker is not.

    :param path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, selection: "Selection") -> None:
        """Write how the selection stands."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(selection.state()) + "\n")

    def replay(self, selection: "Selection") -> None:
        """Let the selection of this process know, and report, what the other one has seen."""
        lines = self._path.read_text(encoding="utf-8").splitlines()
        selection.restore(json.loads(lines[-1]))


class Selection(pl.Callback):
    """Scores the dev set, keeps weights on the disk, counts patience, measures the training steps.

    :param checkpoint: file of the weights that are kept.
    :param on_evaluation: told of each evaluation.
    :param recorder: of another process, told instead.
    """

    def __init__(
        self,
        checkpoint: Path,
        settings: TrainerConfig,
        on_evaluation: OnEvaluation,
        recorder: Recorder | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.settings = settings
        self.on_evaluation = on_evaluation
        self.recorder = recorder
        self.history: list[Evaluation] = []
        self.kept = 0
        """Number of the evaluation whose weights are kept, of the last one in their mean; 0 before there is any."""
        self.diverged_at = 0
        """Step of the evaluation that saw a loss which is no number; 0 for none."""
        self.train_seconds = 0.0
        self.former_seconds = 0.0
        """Wall time of the parts before this process took the training up."""
        self._steps: Sequence[int] = ()
        self._began = time.perf_counter()
        self._started = 0.0
        self._told = self._began
        self._first_step, self._former_train_seconds = 0, 0.0

    @property
    def best(self) -> Evaluation | None:
        """The evaluation with the best dev score, the first of equal ones."""
        return max(self.history, key=lambda evaluation: evaluation.score, default=None)

    def state(self) -> dict[str, Any]:
        """Return what a resumed training must know, as plain numbers."""
        return {
            "kept": self.kept,
            "train_seconds": self.train_seconds + (time.perf_counter() - self._started if self._started else 0.0),
            "seconds": self.former_seconds + time.perf_counter() - self._began,
            "diverged_at": self.diverged_at,
            "history": [asdict(evaluation) for evaluation in self.history],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state, and report its evaluations to those who watch this process."""
        self.kept, self.train_seconds, self.diverged_at = state["kept"], state["train_seconds"], state["diverged_at"]
        self.former_seconds = state["seconds"]
        for values in state["history"]:
            self.history.append(Evaluation(**values))
            self.on_evaluation(self.history[-1])

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lay out the evaluations, and start the clock."""
        self._steps = evaluation_steps(int(trainer.estimated_stepping_batches), self.settings.evaluations)
        self._started = time.perf_counter()
        self._first_step = trainer.global_step
        self._former_train_seconds = self.train_seconds

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Evaluate where a share of the steps is done."""
        assert isinstance(pl_module, Tagger)
        number = len(self.history)
        if number < len(self._steps) and trainer.global_step == self._steps[number]:
            loss = pl_module.training_loss()  # waits for the device, so the time below is true
            self.train_seconds += time.perf_counter() - self._started
            measures, watched = pl_module.evaluate()
            step, steps = trainer.global_step, self._steps[-1]
            epoch = step / -(-trainer.num_training_batches // trainer.accumulate_grad_batches)
            self._book(trainer, pl_module, Evaluation(number + 1, step, steps, epoch, loss, measures, watched))
            pl_module.losses.clear()
            self._started = self._told = time.perf_counter()
        elif time.perf_counter() - self._told > SILENT_SECONDS and trainer.is_global_zero:
            self._told = time.perf_counter()
            logger.info("step %d of %d, %s left", trainer.global_step, self._steps[-1], self._left(trainer.global_step))

    def _left(self, step: int) -> str:
        """Return how long the steps that are left will take, at the pace of those of this process."""
        began = self._first_step
        pace = (self.train_seconds - self._former_train_seconds + self._told - self._started) / max(1, step - began)
        return duration(pace * (self._steps[-1] - step))

    def _book(self, trainer: pl.Trainer, tagger: Tagger, evaluation: Evaluation) -> None:
        former = self.best
        improved = former is None or evaluation.score > former.score
        self.history.append(evaluation)
        if not math.isfinite(evaluation.loss) or not _is_finite(tagger):
            self.diverged_at = evaluation.step
            trainer.should_stop = True
        elif improved or self.settings.selection != "best":
            self._keep(trainer, tagger, evaluation.number)
        best = self.best
        assert best is not None
        if self.settings.patience is not None and evaluation.number - best.number >= self.settings.patience:
            trainer.should_stop = True
        if trainer.is_global_zero:
            if self.recorder:
                self.recorder.write(self)
            else:
                self.on_evaluation(evaluation)

    def _keep(self, trainer: pl.Trainer, tagger: Tagger, number: int) -> None:
        """Write the weights of this evaluation, or add them to the mean of the last ones."""
        self.kept = number
        if not trainer.is_global_zero:
            return
        release_freed_memory()
        state = state_of(tagger.network)
        behind = number - (len(self._steps) - self.settings.average_last) - 1
        if self.settings.selection == "average" and behind > 0 and number > 1:
            count = min(behind, number - 1)
            former = load_file(self.checkpoint)
            state = {name: _mean(former[name], tensor.cpu(), count) for name, tensor in state.items()}
        with atomic_path(self.checkpoint) as scratch:
            save_weights(state, scratch)


def _is_finite(tagger: Tagger) -> bool:
    return all(bool(torch.isfinite(parameter).all()) for parameter in tagger.network.parameters())


def _mean(former: torch.Tensor, new: torch.Tensor, count: int) -> torch.Tensor:
    """Add a tensor to the mean of ``count`` earlier ones; whole numbers (no weights) are the new ones."""
    return former + (new - former) / (count + 1) if new.is_floating_point() else new


def save_weights(state: dict[str, torch.Tensor], path: Path) -> None:
    """Write weights to a file.

    :raises OSError: the disk is full.
    """
    try:
        save_file(state, path)
    except SafetensorError as error:  # safetensors reports a full disk in words of its own
        import errno

        if "No space" in str(error) or "os error 28" in str(error):
            raise OSError(errno.ENOSPC, "No space left on device") from error
        raise HarnessError(f"cannot write the checkpoint {path}: {error}") from error
