"""Training one model: Lightning's Trainer, the best checkpoint by dev score, early stopping, collapse detection.

The checkpoint is a safetensors file (no pickle) written beside its final name and renamed, so a kill or a full disk
leaves the last good one. Selection sees only what ``score_dev`` scores: source dev under the zero-shot protocol.
"""

import ctypes
import json
import logging
import math
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from harness.config import TrainerConfig
from harness.machine.store import atomic_path
from harness.model.contract import Network, state_of
from harness.model.datamodule import TaggingData
from harness.model.predict import bf16_is_fast
from harness.model.tagger import ScoreDev, Tagger
from harness.values.errors import ConfigError, HarnessError

logger = logging.getLogger(__name__)

OnEpoch = Callable[[int, dict[str, float]], None]
"""Called after each epoch (from 1) with its loss and dev measures; may raise to stop the run."""

SELECTION = "entity_f1"


@dataclass(frozen=True)
class Training:
    """What training one model came to.

    :param best_epoch: from 1; 0 where no epoch scored above 0.
    :param best_score: dev entity F1 of the checkpoint, 0..1.
    :param seconds: wall time of the fit, dev scoring included.
    :param train_seconds: wall time of the training steps alone.
    :param sentences_per_second: training sentences over ``train_seconds``.
    :param collapsed: why the model must not be averaged with others; empty for a sound one.
    :param bf16: whether it trained in bfloat16 autocast.
    """

    best_epoch: int
    epochs: int
    best_score: float
    seconds: float
    train_seconds: float
    sentences_per_second: float
    collapsed: str
    bf16: bool
    device: torch.device


class _Recorder:
    """Writes epochs to a file: with several devices they happen in processes of their own, where a tracker is not."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, epoch: int, values: dict[str, float]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([epoch, values]) + "\n")

    def replay(self, selection: "_Selection", on_epoch: OnEpoch) -> None:
        """Tell the epochs in order, and note what selection came to in the other process."""
        for line in self._path.read_text(encoding="utf-8").splitlines():
            epoch, values = json.loads(line)
            selection.train_seconds = values.pop("train_seconds")
            selection.diverged |= not math.isfinite(values["loss"])
            selection.epochs = epoch
            if values[SELECTION] > selection.best_score:
                selection.best_score, selection.best_epoch = values[SELECTION], epoch
            on_epoch(epoch, values)


class _Selection(pl.Callback):
    """Keeps the best weights on disk, counts patience, reports epochs, measures the training steps."""

    def __init__(self, checkpoint: Path, patience: int | None, on_epoch: OnEpoch) -> None:
        self.checkpoint = checkpoint
        self.patience = patience
        self.on_epoch = on_epoch
        self.best_score = -1.0
        self.best_epoch = 0
        self.train_seconds = 0.0
        self.epochs = 0
        self.diverged = False
        self._started = 0.0
        self._loss = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._started = time.perf_counter()

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Tagger)
        self._loss = pl_module.training_loss()  # waits for the device, so the time below is true
        self.train_seconds += time.perf_counter() - self._started

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Tagger)
        self.epochs = trainer.current_epoch + 1
        measures = pl_module.dev_measures
        score = measures[SELECTION]
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
            extra = {"train_seconds": self.train_seconds} if isinstance(self.on_epoch, _Recorder) else {}
            self.on_epoch(self.epochs, {"loss": self._loss, **measures, **extra})


def release_freed_memory() -> None:
    """Give freed memory back to the system (glibc keeps it): what loading and the longest batch took must not add to
    what comes next. A few milliseconds, once an epoch; nothing elsewhere than on Linux.
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _save(state: dict[str, torch.Tensor], path: Path) -> None:
    try:
        save_file(state, path)
    except SafetensorError as error:  # safetensors reports a full disk in words of its own
        import errno

        if "No space" in str(error) or "os error 28" in str(error):
            raise OSError(errno.ENOSPC, "No space left on device") from error
        raise HarnessError(f"cannot write the checkpoint {path}: {error}") from error


def train_model(
    network: Network,
    names: tuple[str, ...],
    data: TaggingData,
    *,
    settings: TrainerConfig,
    learning_rate: float,
    max_epochs: int,
    bf16_allowed: bool,
    seed: int,
    score_dev: ScoreDev,
    on_epoch: OnEpoch,
    checkpoint: Path,
    progress: bool,
) -> Training:
    """Train a network and leave it with the weights of its best epoch.

    :param checkpoint: file to keep the best weights in.
    :raises ConfigError: precision or accelerator are not to be had on this machine.
    :raises HarnessError: the checkpoint cannot be written.
    """
    if not data.train_corpus.windows:
        raise ConfigError("the training mixture is empty; choose another method, ratio or corpus")
    device = training_device(settings)
    bf16 = use_bf16(settings, device, allowed=bf16_allowed)
    tagger = Tagger(network, names, settings=settings, learning_rate=learning_rate, score_dev=score_dev)
    recorder = _Recorder(checkpoint.with_name("epochs.jsonl")) if settings.devices > 1 else None
    selection = _Selection(checkpoint, settings.patience, recorder or on_epoch)
    if recorder and device.type == "cpu":
        # Read by the processes that Lightning starts; each would otherwise take all cores.
        os.environ["OMP_NUM_THREADS"] = str(max(1, torch.get_num_threads() // settings.devices))
    seed_everything(seed)
    # Deterministic mode would also fill every fresh tensor with NaN, which costs a tenth of the time; we read none.
    # On a CPU the kernels used here are deterministic as they are (a test holds them to it).
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    trainer = pl.Trainer(
        accelerator=settings.accelerator,
        devices=settings.devices,
        strategy="ddp_spawn" if settings.devices > 1 else "auto",
        precision="bf16-mixed" if bf16 else "32-true",
        max_epochs=max_epochs,
        accumulate_grad_batches=settings.accumulate_batches,
        gradient_clip_val=settings.gradient_clip or None,
        deterministic="warn" if settings.deterministic and device.type != "cpu" else False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=progress,
        logger=False,
        callbacks=[selection],
    )
    release_freed_memory()
    started = time.perf_counter()
    network.train()
    try:
        trainer.fit(tagger, datamodule=data)
    except SystemExit:
        # Lightning turns Ctrl-C into sys.exit(1); the run must end as interrupted, not as failed.
        raise KeyboardInterrupt from None
    seconds = time.perf_counter() - started
    if recorder:
        recorder.replay(selection, on_epoch)
    if not checkpoint.exists():
        raise HarnessError(f"training ended without a checkpoint at {checkpoint}")
    network.load_state_dict(load_file(checkpoint))
    best_score, epochs = selection.best_score, selection.epochs
    sentences = len(data.train_corpus.sentences) * epochs
    rate = sentences / selection.train_seconds if selection.train_seconds else 0.0
    collapsed = _collapse(selection)
    if collapsed:
        logger.warning("this run has collapsed: %s", collapsed)
    return Training(
        selection.best_epoch if best_score > 0 else 0,
        epochs,
        max(best_score, 0.0),
        seconds,
        selection.train_seconds,
        rate,
        collapsed,
        bf16,
        device,
    )


def _collapse(selection: _Selection) -> str:
    if selection.diverged:
        return "the training loss is not a finite number"
    if selection.best_score <= 0:
        return "no entity of the dev set was ever found"
    return ""


def seed_everything(seed: int) -> None:
    """Seed every generator there is, once per model (the only global seed of the harness)."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def training_device(settings: TrainerConfig) -> torch.device:
    """Return the device the settings ask for.

    :raises ConfigError: this machine has none.
    """
    if settings.accelerator == "gpu" and not torch.cuda.is_available():
        raise ConfigError(
            "trainer.accelerator=gpu, but torch sees no CUDA device; use cpu or auto, or install a CUDA build"
        )
    if settings.accelerator == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("trainer.accelerator=mps, but torch sees no Apple GPU; use cpu or auto")
    if settings.accelerator == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    return torch.device({"gpu": "cuda"}.get(settings.accelerator, settings.accelerator))


def use_bf16(settings: TrainerConfig, device: torch.device, *, allowed: bool) -> bool:
    """Decide whether to train in bfloat16 autocast.

    :param allowed: the encoder card's word; ``trainer.precision=bf16`` overrides it.
    """
    if settings.precision == "auto":
        return allowed and bf16_is_fast(device)
    return settings.precision == "bf16"


@contextmanager
def thread_count(threads: int) -> Iterator[None]:
    """Run torch with so many threads and give back the former number."""
    former = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(former)


def show_progress() -> bool:
    """Tell whether a progress bar has a terminal to stand on."""
    return sys.stderr.isatty()
