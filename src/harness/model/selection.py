"""Which epoch is kept: by dev score, with patience; the weights on disk are always the best so far."""

import json
import math
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from harness.machine.files import atomic_path
from harness.machine.process import release_freed_memory
from harness.model.contract import state_of
from harness.model.plan import OnEpoch
from harness.model.tagger import Tagger
from harness.values.errors import HarnessError

SELECTION = "entity_f1"


class Recorder:
    """Writes epochs to a file: with several devices they happen in processes of their own, where a tracker is not."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, epoch: int, values: dict[str, float]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([epoch, values]) + "\n")

    def replay(self, selection: "Selection", on_epoch: OnEpoch) -> None:
        """Report the epochs in order, and select as the other process did."""
        for line in self._path.read_text(encoding="utf-8").splitlines():
            epoch, values = json.loads(line)
            selection.train_seconds = values.pop("train_seconds")
            selection.diverged |= not math.isfinite(values["loss"])
            selection.history.append(values)
            if values[SELECTION] > selection.best_score:
                selection.best_score, selection.best_epoch = values[SELECTION], epoch
            on_epoch(epoch, values)


class Selection(pl.Callback):
    """Keeps the best weights on disk, counts patience, reports epochs, measures the training steps."""

    def __init__(self, checkpoint: Path, patience: int | None, on_epoch: OnEpoch) -> None:
        self.checkpoint = checkpoint
        self.patience = patience
        self.on_epoch = on_epoch
        self.best_score = -1.0
        self.best_epoch = 0
        self.train_seconds = 0.0
        self.diverged = False
        self.history: list[dict[str, float]] = []
        """Loss and dev measures of each epoch."""
        self.former_seconds = 0.0
        """Wall time of the parts before this process took the training up."""
        self._began = time.perf_counter()
        self._started = 0.0
        self._loss = 0.0

    @property
    def epochs(self) -> int:
        """Number of epochs behind us."""
        return len(self.history)

    def state(self) -> dict[str, Any]:
        """Return what a resumed training must know, as plain numbers."""
        return {
            "best_score": self.best_score,
            "best_epoch": self.best_epoch,
            "train_seconds": self.train_seconds + time.perf_counter() - self._started,
            "seconds": self.former_seconds + time.perf_counter() - self._began,
            "diverged": self.diverged,
            "history": self.history,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state, and report its epochs to those who watch this process."""
        self.best_score, self.best_epoch = state["best_score"], state["best_epoch"]
        self.train_seconds, self.diverged = state["train_seconds"], state["diverged"]
        self.former_seconds = state["seconds"]
        for values in state["history"]:
            self.history.append(values)
            self.on_epoch(self.epochs, values)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock: an epoch that is resumed in its middle has no start of its own."""
        self._started = time.perf_counter()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._started = time.perf_counter()

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Tagger)
        self._loss = pl_module.training_loss()  # waits for the device, so the time below is true
        self.train_seconds += time.perf_counter() - self._started

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Tagger)
        values = {"loss": self._loss, **pl_module.dev_measures}
        self.history.append(values)
        score = values[SELECTION]
        if score > self.best_score:
            self.best_score, self.best_epoch = score, self.epochs
            if trainer.is_global_zero:
                release_freed_memory()
                with atomic_path(self.checkpoint) as scratch:
                    _save(state_of(pl_module.network), scratch)
        elif self.patience is not None and self.epochs - self.best_epoch >= self.patience:
            trainer.should_stop = True
        self.diverged |= not math.isfinite(self._loss)
        if trainer.is_global_zero:
            extra = {"train_seconds": self.train_seconds} if isinstance(self.on_epoch, Recorder) else {}
            self.on_epoch(self.epochs, {**values, **extra})


def _save(state: dict[str, torch.Tensor], path: Path) -> None:
    try:
        save_file(state, path)
    except SafetensorError as error:  # safetensors reports a full disk in words of its own
        import errno

        if "No space" in str(error) or "os error 28" in str(error):
            raise OSError(errno.ENOSPC, "No space left on device") from error
        raise HarnessError(f"cannot write the checkpoint {path}: {error}") from error
