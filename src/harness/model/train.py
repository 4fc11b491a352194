"""Training one model: Lightning's Trainer, the best checkpoint by dev score, early stopping, collapse detection.

The checkpoint is a safetensors file (no pickle) written beside its final name and renamed, so a kill or a full disk
leaves the last good one. Selection sees only what ``score_dev`` scores: source dev under the zero-shot protocol.
"""

import logging
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from safetensors.torch import load_file

from harness.config import TrainerConfig
from harness.machine.process import release_freed_memory
from harness.model.contract import Network
from harness.model.datamodule import TaggingData
from harness.model.predict import bf16_is_fast
from harness.model.selection import OnEpoch, Recorder, Selection
from harness.model.tagger import ScoreDev, Tagger
from harness.values.errors import ConfigError, HarnessError

logger = logging.getLogger(__name__)


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
    recorder = Recorder(checkpoint.with_name("epochs.jsonl")) if settings.devices > 1 else None
    selection = Selection(checkpoint, settings.patience, recorder or on_epoch)
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


def _collapse(selection: Selection) -> str:
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
