"""Training one model: Lightning's Trainer, the best checkpoint by dev score, early stopping, collapse detection.

The weights of the best epoch are a safetensors file (no pickle) written beside its final name and renamed, so a kill or
a full disk leaves the last good one. Selection sees only what ``score_dev`` scores: source dev under the zero-shot
protocol. A training that was killed goes on from its last full state, see :mod:`harness.model.checkpoint`.
"""

import copy
import json
import logging
import os
import random
import time
from dataclasses import asdict, dataclass
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from safetensors.torch import load_file

from harness.config import TrainerConfig
from harness.machine.process import release_freed_memory, thread_count
from harness.machine.provenance import available_cores
from harness.model.checkpoint import FINISHED, STATE, PlainCheckpointIO, StateKeeper, TrainingFolder, read_position
from harness.model.contract import Network, model_size
from harness.model.datamodule import TaggingData
from harness.model.encoder_memory import EncoderMemory
from harness.model.plan import TrainingData, TrainingPlan, Watch
from harness.model.predict import bf16_is_fast
from harness.model.selection import Recorder, Selection
from harness.model.tagger import Tagger
from harness.model.trained import TrainedTagger
from harness.values import names
from harness.values.errors import ConfigError, HarnessError

logger = logging.getLogger(__name__)

RECORD = "record.json"


@dataclass(frozen=True)
class Training:
    """Record of one training.

    :param best_epoch: from 1; 0 where no epoch scored above 0.
    :param best_score: dev entity F1 of the checkpoint, 0..1.
    :param seconds: wall time of the fit, dev scoring included; of all its parts where it was resumed.
    :param train_seconds: wall time of the training steps alone.
    :param collapsed: why the model must not be averaged with others; empty for a sound one.
    :param history: loss and dev measures of each epoch.
    """

    best_epoch: int
    best_score: float
    seconds: float
    train_seconds: float
    collapsed: str
    history: tuple[dict[str, float], ...]

    @property
    def epochs(self) -> int:
        """Number of epochs trained."""
        return len(self.history)

    @property
    def selected(self) -> dict[str, float]:
        """Loss and dev measures of the epoch whose weights were kept."""
        return self.history[max(0, self.best_epoch - 1)]


@dataclass(frozen=True)
class Trained:
    """A trained recogniser with the record of its training and its figures by metric name."""

    tagger: TrainedTagger
    training: Training
    metrics: dict[str, float]


@dataclass(frozen=True)
class _Machine:
    """On what a training runs.

    :param bf16: whether it trains in bfloat16 autocast.
    """

    device: torch.device
    bf16: bool
    threads: int


def train(
    plan: TrainingPlan, data: TrainingData, *, memory: EncoderMemory, folder: Path, watch: Watch | None = None
) -> Trained:
    """Train a model, or go on where a killed process left it.

    :param folder: for the weights and states of this training alone; whoever gives it removes it.
    :raises ConfigError: the encoder cannot be loaded, the mixture is empty, or this machine lacks what is asked for.
    :raises HarnessError: a checkpoint cannot be written.
    """
    watch = watch or Watch()
    settings = plan.settings
    loaded, coder = memory.load(plan.encoder, plan.tags, settings.max_length)
    network = copy.deepcopy(loaded)  # training must not touch the one that is kept
    network.reset(plan.seed)
    overlap = min(settings.window_overlap, coder.longest // 2)
    encoded = TaggingData(
        memory.encode(data.train, coder, overlap), memory.encode(data.dev, coder, overlap), coder, plan
    )
    if not encoded.train_corpus.windows:
        raise ConfigError("the training mixture is empty; choose another method, ratio or corpus")
    device = training_device(settings)
    machine = _Machine(
        device, use_bf16(settings, device, allowed=plan.encoder.bf16), settings.threads or available_cores()
    )
    states = TrainingFolder(folder, _identity(plan, data, machine))
    with thread_count(machine.threads):
        training = _finished(states, watch)
        if training is None:
            training = _fit(Tagger(network, plan, data.score_dev), encoded, machine, states, watch)
    network.load_state_dict(load_file(states.best))
    if training.collapsed:
        logger.warning("this run has collapsed: %s", training.collapsed)
    tagger = TrainedTagger(
        network, coder, plan.tags, plan.encoder, settings.max_length, overlap,
        device=device, bf16=machine.bf16, threads=machine.threads, encode=memory.encode,
    )  # fmt: skip
    return Trained(tagger, training, _metrics(network, encoded, training, machine))


def _identity(plan: TrainingPlan, data: TrainingData, machine: _Machine) -> str:
    """Return the digest of all that the last digit depends on: states of anything else are not taken up."""
    state = blake2b(digest_size=16)
    facts = [plan.identity(), str(machine), torch.__version__, version("pytorch-lightning")]
    state.update(json.dumps(facts, sort_keys=True, default=str).encode())
    for sentence in (*data.train, None, *data.dev):
        state.update(repr(sentence).encode("utf-8", errors="surrogatepass"))
    return state.hexdigest()


def _finished(states: TrainingFolder, watch: Watch) -> Training | None:
    """Return the record of a training that was done before its run was killed."""
    state = states.newest()
    if state is None or state.name != FINISHED:
        return None
    values = json.loads((state / RECORD).read_text(encoding="utf-8"))
    training = Training(**{**values, "history": tuple(values["history"])})
    logger.info("training was finished before, its weights are taken up")
    for epoch, measures in enumerate(training.history, 1):
        watch.on_epoch(epoch, measures)
    return training


def _fit(tagger: Tagger, data: TaggingData, machine: _Machine, states: TrainingFolder, watch: Watch) -> Training:
    """Run the epochs and leave the best weights in the folder."""
    settings = tagger.plan.settings
    several = settings.devices > 1
    epochs = states.path / "epochs.jsonl"
    if several:  # states are of one process: this training begins anew
        epochs.unlink(missing_ok=True)
        states.best.unlink(missing_ok=True)
    recorder = Recorder(epochs) if several else None
    selection = Selection(states.best, settings.patience, recorder or watch.on_epoch)
    keeper = [] if several else [StateKeeper(states, selection, watch.state_seconds)]
    state = None if several else states.newest()
    if state is not None:
        data.position = read_position(state)
        logger.info("training goes on in epoch %d after %d batches", data.position[0] + 1, data.position[1])
    if several and machine.device.type == "cpu":
        # Read by the processes that Lightning starts; each would otherwise take all cores.
        os.environ["OMP_NUM_THREADS"] = str(max(1, torch.get_num_threads() // settings.devices))
    seed_everything(tagger.plan.seed)
    trainer = _trainer(tagger.plan, machine, [selection, *keeper], progress=watch.progress)
    release_freed_memory()
    started = time.perf_counter()
    tagger.network.train()
    try:
        trainer.fit(tagger, datamodule=data, ckpt_path=state / STATE if state else None, weights_only=True)
    except SystemExit:
        # Lightning turns Ctrl-C into sys.exit(1); the run must end as interrupted, not as failed.
        raise KeyboardInterrupt from None
    seconds = time.perf_counter() - started
    if recorder:
        recorder.replay(selection, watch.on_epoch)
    if not states.best.exists():
        raise HarnessError(f"training ended without a checkpoint at {states.best}")
    best_epoch = selection.best_epoch if selection.best_score > 0 else 0
    training = Training(
        best_epoch, max(selection.best_score, 0.0), seconds + selection.former_seconds, selection.train_seconds,
        _collapse(selection), tuple(selection.history),
    )  # fmt: skip
    states.write(FINISHED, lambda scratch: _write_record(training, scratch / RECORD))
    return training


def _write_record(training: Training, path: Path) -> None:
    path.write_text(json.dumps(asdict(training)), encoding="utf-8")


def _trainer(plan: TrainingPlan, machine: _Machine, callbacks: list[pl.Callback], *, progress: bool) -> pl.Trainer:
    """Return Lightning's trainer with nothing of its own that writes, prints or shuffles."""
    settings = plan.settings
    # Deterministic mode would also fill every fresh tensor with NaN, which costs a tenth of the time; we read none.
    # On a CPU the kernels used here are deterministic as they are (a test holds them to it).
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return pl.Trainer(
        accelerator=settings.accelerator,
        devices=settings.devices,
        strategy="ddp_spawn" if settings.devices > 1 else "auto",
        precision="bf16-mixed" if machine.bf16 else "32-true",
        max_epochs=plan.max_epochs,
        accumulate_grad_batches=settings.accumulate_batches,
        gradient_clip_val=settings.gradient_clip or None,
        deterministic="warn" if settings.deterministic and machine.device.type != "cpu" else False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=progress,
        logger=False,
        plugins=[PlainCheckpointIO()] if settings.devices == 1 else None,
        callbacks=callbacks,
    )


def _collapse(selection: Selection) -> str:
    if selection.diverged:
        return "the training loss is not a finite number"
    if selection.best_score <= 0:
        return "no entity of the dev set was ever found"
    return ""


def _metrics(network: Network, data: TaggingData, training: Training, machine: _Machine) -> dict[str, float]:
    size = model_size(network)
    sentences = len(data.train_corpus.sentences)
    rate = sentences * training.epochs / training.train_seconds if training.train_seconds else 0.0
    metrics = {
        names.PARAMETERS: size.parameters_millions,
        names.ENCODER_PARAMETERS: size.encoder_parameters_millions,
        names.SIZE_MB: size.size_mb,
        names.SECONDS: training.seconds,
        names.STEP_SECONDS: training.train_seconds,
        names.SENTENCES_PER_SECOND: rate,
        names.EPOCHS: float(training.epochs),
        names.BEST_EPOCH: float(training.best_epoch),
        names.BEST_DEV_F1: training.best_score,
        names.BF16: float(machine.bf16),
        names.TRAIN_SENTENCES: float(sentences),
        names.TRAIN_WINDOWED: float(data.train_corpus.windowed),
        names.TRAIN_UNSEEN_WORDS: float(data.train_corpus.unseen_words),
        names.INEXACT_SPANS: float(data.inexact_spans),
    }
    if machine.device.type == "cuda":
        metrics[names.PEAK_GPU_MB] = torch.cuda.max_memory_allocated() / 1e6
    return metrics


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
