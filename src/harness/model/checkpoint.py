"""A training's full state on disk: a run killed at any step goes on from it to the same last digit.

A state is a folder ``step-…`` with what Lightning needs to go on (weights, optimizer, schedule, progress of its loops),
the random states, the history so far and the best weights. It is made under another name and renamed when complete,
with digests of its files, so a kill leaves the former one. States are written before a step, where no gradient is
pending; the batches of an epoch follow from seed and pass alone, so the position is two numbers.

Read with ``weights_only``: nothing in a file is ever run.
"""

import logging
import math
import os
import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from lightning_fabric.plugins import TorchCheckpointIO

from harness.machine.files import disk_errors
from harness.machine.locks import release, scratch_folder
from harness.machine.store import is_whole, write_digests
from harness.model.selection import Selection
from harness.model.tagger import Tagger
from harness.values.errors import HarnessError

logger = logging.getLogger(__name__)

STATE = "state.ckpt"
BEST = "best.safetensors"
FINISHED = "finished"

_OURS = "harness"
"""Our key in Lightning's checkpoint."""

MOST_OF_THE_TIME = 20
"""A state is written only when training has gone on for this many times what writing the last one took: 5 %."""


class TrainingFolder:
    """The states of one training, the newest last.

    :param path: the folder; the best weights so far are in it too.
    :param identity: of plan and data; states of another training are not taken up.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self.identity = identity
        self.best = path / BEST

    def write(self, name: str, fill: Callable[[Path], None]) -> None:
        """Write a state with the best weights so far, whole or not at all, and drop the former ones."""
        with disk_errors(self.path), scratch_folder(".state-", self.path) as scratch:
            fill(scratch)
            (scratch / "identity").write_text(self.identity, encoding="utf-8")
            if self.best.exists():
                _link(self.best, scratch / BEST)
            write_digests(scratch)
            former = [state for state in self._states() if state.name != name]
            shutil.rmtree(self.path / name, ignore_errors=True)
            scratch.rename(self.path / name)
            release(self.path / name)
        for state in former:
            shutil.rmtree(state, ignore_errors=True)

    def newest(self) -> Path | None:
        """Return the newest whole state of this training, its best weights put back in place.

        States of another training, and damaged ones, are removed: nobody can go on from them.
        """
        for state in reversed(self._states()):
            with suppress(OSError):
                if is_whole(state) and (state / "identity").read_text(encoding="utf-8") == self.identity:
                    self.best.unlink(missing_ok=True)
                    if (state / BEST).exists():
                        _link(state / BEST, self.best)
                    return state
            shutil.rmtree(state, ignore_errors=True)
        return None

    def _states(self) -> list[Path]:
        """Return the states by age; the name of a finished training sorts after any step."""
        states = [path for path in self.path.iterdir() if path.is_dir() and not path.name.startswith(".")]
        return sorted(states, key=lambda path: (path.name == FINISHED, path.name))


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


class PlainCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint straight to its file: Lightning's own way holds it in memory twice, and moves it from the
    temporary folder, where a kill would leave gigabytes that nobody knows.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint; whoever gave the path renames it when it is complete."""
        torch.save(checkpoint, path)


class StateKeeper(pl.Callback):
    """Writes states now and then before a step, and takes one up at the start.

    :param seconds: from one state to the next, at least.
    """

    def __init__(self, folder: TrainingFolder, selection: Selection, seconds: float) -> None:
        self._folder = folder
        self._selection = selection
        self._seconds = seconds
        self._written = time.monotonic()
        self._cost = 0.0
        self._restored: dict[str, Any] | None = None

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Take up the random states, which starting the loops has used, or write a state if one is due."""
        assert isinstance(pl_module, Tagger)
        if self._restored is not None:
            pl_module.losses = [torch.tensor(loss, device=pl_module.device) for loss in self._restored["losses"]]
            _set_random_states(self._restored["random"])
            self._restored = None
        elif batch_idx % trainer.accumulate_grad_batches == 0 and self._is_due():
            self._write(trainer)

    def _write(self, trainer: pl.Trainer) -> None:
        """Write a state; where it cannot be written, training goes on without states."""
        started = time.monotonic()
        try:
            self._folder.write(
                f"step-{trainer.fit_loop.epoch_loop.total_batch_idx:09d}",
                lambda scratch: trainer.save_checkpoint(scratch / STATE, weights_only=False),
            )
        except (HarnessError, OSError, RuntimeError) as error:
            logger.warning("no state of this training can be written, so a kill would begin it anew: %s", error)
            self._seconds = math.inf
        self._written = time.monotonic()
        self._cost = self._written - started if self._seconds else 0.0  # 0: asked for before every step

    def _is_due(self) -> bool:
        return time.monotonic() - self._written >= max(self._seconds, MOST_OF_THE_TIME * self._cost)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the random states, the history and the position to what Lightning writes."""
        assert isinstance(pl_module, Tagger)
        progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
        # The batch that is about to begin is not done: on resuming, Lightning would validate in its place.
        progress["is_last_batch"] = False
        checkpoint[_OURS] = {
            "position": [trainer.current_epoch, progress["current"]["completed"]],
            "losses": [float(loss) for loss in pl_module.losses],
            "random": _random_states(),
            "selection": self._selection.state(),
        }

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take up what was added; the random states wait for the first step."""
        self._restored = checkpoint[_OURS]
        self._selection.restore(self._restored["selection"])


def read_position(state: Path) -> tuple[int, int]:
    """Return the epochs and the batches of the next one that a state has behind it."""
    values = torch.load(state / STATE, map_location="cpu", weights_only=True, mmap=True)
    epochs, batches = values[_OURS]["position"]
    return int(epochs), int(batches)


def _random_states() -> dict[str, Any]:
    """Return the states of every generator there is, as tensors and plain numbers."""
    version, numbers, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    states: dict[str, Any] = {
        "python": [version, list(numbers), gauss],
        "numpy": [kind, [int(key) for key in keys], position, has_gauss, cached],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def _set_random_states(states: dict[str, Any]) -> None:
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    kind, keys, position, has_gauss, cached = states["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), position, has_gauss, cached))
    torch.set_rng_state(states["torch"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
