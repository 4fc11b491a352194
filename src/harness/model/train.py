"""Training one model: Lightning's Trainer, evaluations at shares of the budget, the kept weights, collapse.

The weights are a safetensors file (no pickle) written beside its final name and renamed, so a kill or a full disk
leaves the last good one. Selection sees only what ``score_dev`` scores: no target gold under the zero-shot protocol. A
training that was killed goes on from its last full state, see :mod:`harness.model.checkpoint`.
"""

import json
import logging
import os
import random
import time
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from safetensors.torch import load_file

from harness.config import TrainerConfig
from harness.machine.files import atomic_path
from harness.machine.process import release_freed_memory, thread_count
from harness.machine.provenance import available_cores
from harness.model.checkpoint import FINISHED, STATE, PlainCheckpointIO, StateKeeper, TrainingFolder, read_position
from harness.model.contract import Network, model_size, state_of
from harness.model.datamodule import PART_TOKENS, TaggingData
from harness.model.encoder_memory import EncoderMemory
from harness.model.plan import Evaluation, TrainingData, TrainingPlan, Watch
from harness.model.predict import bf16_is_fast, merged_tags
from harness.model.selection import Recorder, Selection, save_weights
from harness.model.tagger import Tagger
from harness.model.trained import TrainedTagger
from harness.values import names
from harness.values.errors import ConfigError

logger = logging.getLogger(__name__)

RECORD = "record.json"


@dataclass(frozen=True)
class Training:
    """Record of one training.

    :param kept: number of the evaluation whose weights are kept (the last one of a mean), from 1; 0 for none.
    :param selected: measures of the dev set with the kept weights.
    :param steps: optimizer steps done.
    :param epochs: passes over the mixture, as a fraction where the last one is not whole.
    :param sentences: sentences seen, windows of long ones apart.
    :param tokens: pieces seen, without padding.
    :param seconds: wall time of the fit, dev scoring included; of all its parts where it was resumed.
    :param train_seconds: wall time of the training steps alone.
    :param collapsed: why the model must not be averaged with others; empty for a sound one.
    :param note: what a reader of its figures should know; empty for nothing.
    :param history: the evaluations.
    """

    kept: int
    selected: dict[str, float]
    steps: int
    epochs: float
    sentences: int
    tokens: int
    seconds: float
    train_seconds: float
    collapsed: str
    note: str
    history: tuple[Evaluation, ...]

    @property
    def kept_step(self) -> int:
        """Optimizer steps behind the kept weights."""
        return self.history[self.kept - 1].step if self.kept else 0

    @property
    def score(self) -> float:
        """Dev entity F1 of the kept weights, 0..1."""
        return self.selected["entity_f1"]


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
    overlap = min(settings.window_overlap, coder.longest // 2)
    device = training_device(settings)
    in_parts = device.type == "cpu" and settings.devices == 1 and plan.encoder.kind == "transformers"
    encoded = TaggingData(
        memory.encode(data.train, coder, overlap), memory.encode(data.dev, coder, overlap), coder, plan,
        [memory.encode(watched.sentences, coder, overlap) for watched in data.watched],
        part_tokens=PART_TOKENS if in_parts else None,
    )  # fmt: skip
    if not encoded.train_corpus.windows:
        raise ConfigError("the training mixture is empty; choose another method, ratio or corpus")
    if settings.max_tokens:
        plan = replace(plan, max_steps=encoded.steps_for(settings.max_tokens))
    pieces = np.concatenate([*(window.pieces for window in encoded.train_corpus.windows), coder.special_pieces])
    network = loaded.copy_for(pieces, trim=plan.encoder.trim == "auto")  # the one that is kept must not be touched
    network.reset(plan.init_seed)
    machine = _Machine(
        device, use_bf16(settings, device, allowed=plan.encoder.bf16), settings.threads or available_cores()
    )
    states = TrainingFolder(folder, _identity(plan, data, machine))
    with thread_count(machine.threads):
        training = _finished(states, watch)
        if training is None:
            training = _fit(Tagger(network, plan, data), encoded, machine, states, watch)
    network.load_state_dict(load_file(states.best))
    if training.collapsed:
        logger.warning("this run has collapsed: %s", training.collapsed)
    if training.note:
        logger.warning("%s", training.note)
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
    history = tuple(Evaluation(**evaluation) for evaluation in values.pop("history"))
    training = Training(**values, history=history)
    logger.info("training was finished before, its weights are taken up")
    for evaluation in training.history:
        watch.on_evaluation(evaluation)
    return training


def _fit(tagger: Tagger, data: TaggingData, machine: _Machine, states: TrainingFolder, watch: Watch) -> Training:
    """Make the steps and leave the weights to keep in the folder."""
    settings = tagger.plan.settings
    several = settings.devices > 1
    elsewhere = states.path / "evaluations.jsonl"
    if several:  # states are of one process: this training begins anew
        elsewhere.unlink(missing_ok=True)
        states.best.unlink(missing_ok=True)
    recorder = Recorder(elsewhere) if several else None
    selection = Selection(states.best, settings, watch.on_evaluation, recorder)
    keeper = [] if several else [StateKeeper(states, selection, watch.state_seconds)]
    state = None if several else states.newest()
    if state is not None:
        data.position = read_position(state)
        logger.info("training goes on in epoch %d after %d batches", data.position[0] + 1, data.position[1])
    if several and machine.device.type == "cpu":
        # Read by the processes that Lightning starts; each would otherwise take all cores.
        os.environ["OMP_NUM_THREADS"] = str(max(1, torch.get_num_threads() // settings.devices))
    seed_everything(tagger.plan.order_seed)
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
        recorder.replay(selection)
    training = _record(tagger, data, selection, machine, seconds)
    states.write(FINISHED, lambda scratch: _write_record(training, scratch / RECORD))
    return training


def _record(tagger: Tagger, data: TaggingData, selection: Selection, machine: _Machine, seconds: float) -> Training:
    """Return the record of a training that has ended."""
    if not selection.kept:  # nothing sound to keep: the weights as they are, for the record of a collapsed run
        with atomic_path(selection.checkpoint) as scratch:
            save_weights(state_of(tagger.network), scratch)
    selected = selection.history[max(0, selection.kept - 1)].measures
    if selection.settings.selection == "average" and selection.kept:
        tagger.network.load_state_dict(load_file(selection.checkpoint))
        tags = merged_tags(
            tagger.network, data.dev_corpus, data.coder, tagger.plan.tags, device=machine.device, bf16=machine.bf16
        )
        selected = tagger.data.score_dev(tags.spans())
    collapsed, note = _verdict(selection, selected, judged=tagger.data.dev_is_learned)
    steps = selection.history[-1].step
    sentences, tokens = data.seen(steps)
    return Training(
        selection.kept, selected, steps, sentences / max(1, len(data.train_corpus.windows)), sentences, tokens,
        seconds + selection.former_seconds, selection.train_seconds, collapsed, note, tuple(selection.history),
    )  # fmt: skip


def _verdict(selection: Selection, selected: dict[str, float], *, judged: bool) -> tuple[str, str]:
    """Return why a training has collapsed, and what is worth a note; both mostly nothing.

    :param selected: dev measures of the kept weights.
    :param judged: whether the dev set can tell: a model is not judged on languages that it never saw.
    """
    if not selection.kept:
        return "the training loss is not a finite number", ""
    note = ""
    if selection.diverged_at:
        note = (
            f"the training loss was not a finite number before step {selection.diverged_at}; the weights of step "
            f"{selection.history[selection.kept - 1].step} are kept"
        )
    best = selection.best
    if not judged or best is None or selected["entity_f1"] > 0 or not selected.get("gold_entities", 1):
        return "", note
    if best.score > 0:
        return f"no entity of the dev set is found, {100 * best.score:.1f} F1 at step {best.step} were", note
    return "no entity of the dev set was ever found", note


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
        max_epochs=-1 if plan.max_steps else plan.max_epochs,
        max_steps=plan.max_steps or -1,
        limit_val_batches=0,  # the selection evaluates, at shares of the steps
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


def _metrics(network: Network, data: TaggingData, training: Training, machine: _Machine) -> dict[str, float]:
    size = model_size(network)
    sentences = len(data.train_corpus.sentences)
    rate = training.sentences / training.train_seconds if training.train_seconds else 0.0
    metrics = {
        names.PARAMETERS: size.parameters_millions,
        names.ENCODER_PARAMETERS: size.encoder_parameters_millions,
        names.TRAINED_PARAMETERS: size.trained_parameters_millions,
        names.SIZE_MB: size.size_mb,
        names.SECONDS: training.seconds,
        names.STEP_SECONDS: training.train_seconds,
        names.SENTENCES_PER_SECOND: rate,
        names.EPOCHS: training.epochs,
        names.STEPS: float(training.steps),
        names.SENTENCES_SEEN: float(training.sentences),
        names.TOKENS: float(training.tokens),
        names.KEPT_STEP: float(training.kept_step),
        names.BEST_EPOCH: training.epochs * training.kept_step / training.steps,
        names.BEST_DEV_F1: training.score,
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
