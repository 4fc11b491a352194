"""Scoring all measures for 40 languages x 2,000 sentences beside seqeval's report, and the bootstrap.

seqeval gets tags, as it wants; the harness is measured from tags (spans read off first) and from spans. The figures of
both must be equal, or the benchmark stops.
"""

import argparse
from typing import Any

import numpy as np

from benchmarks.rounds import in_turn

LABELS = ("PER", "ORG", "LOC", "DATE")
LENGTH = 20


def tagged(sentences: int, seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """Return gold and predicted tags of sentences of 20 words; about one entity in four is not found as it is."""
    draw = np.random.default_rng(seed)
    gold, predicted = [], []
    for _ in range(sentences):
        sides = ["O"] * LENGTH, ["O"] * LENGTH
        for start in range(0, LENGTH - 3, 5):
            label, length = LABELS[draw.integers(4)], int(draw.integers(1, 4))
            if draw.random() < 0.4:
                _put(sides[0], start, length, label)
            if draw.random() < 0.35:
                _put(sides[1], start, length if draw.random() < 0.8 else 1, label)
        gold.append(sides[0])
        predicted.append(sides[1])
    return gold, predicted


def _put(tags: list[str], start: int, length: int, label: str) -> None:
    tags[start : start + length] = [f"B-{label}", *[f"I-{label}"] * (length - 1)]


def main() -> None:
    from seqeval.metrics import classification_report

    from harness.evaluation.measures import measures
    from harness.evaluation.spans import count_spans
    from harness.values.labels import spans_from_tags

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", type=int, default=40)
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    corpora = [tagged(given.sentences, seed) for seed in range(given.languages)]
    words = tuple((place, place + 1) for place in range(LENGTH))

    def spans(side: list[list[str]]) -> list[Any]:
        return [spans_from_tags(tags, words) for tags in side]

    ready = [(spans(gold), spans(predicted)) for gold, predicted in corpora]

    def from_spans() -> list[dict[str, float]]:
        return [measures(count_spans(gold, predicted, LABELS), LABELS) for gold, predicted in ready]

    def from_tags() -> list[dict[str, float]]:
        return [measures(count_spans(spans(gold), spans(found), LABELS), LABELS) for gold, found in corpora]

    def theirs() -> list[dict[str, Any]]:
        return [classification_report(gold, found, output_dict=True, zero_division=0) for gold, found in corpora]

    for one, two in zip(from_spans(), theirs(), strict=True):
        assert abs(one["entity_f1"] - two["micro avg"]["f1-score"]) < 1e-12, "the figures differ"
    found = in_turn({"seqeval": theirs, "from tags": from_tags, "from spans": from_spans}, rounds=given.rounds)
    print(f"\n{given.languages} languages x {given.sentences} sentences, {given.rounds} rounds\n")
    print("| | seconds | times as fast as seqeval |\n| --- | --- | --- |")
    for name in found.names:
        print(f"| {name} | {found.median(name, 'seconds'):.2f} | {found.ratio('seqeval', name, 'seconds')} |")
    _bootstrap(given.rounds)


def _bootstrap(rounds: int) -> None:
    from harness.evaluation.significance import bootstrap_interval
    from harness.evaluation.spans import count_spans
    from harness.values.labels import spans_from_tags

    words = tuple((place, place + 1) for place in range(LENGTH))
    gold, predicted = ([spans_from_tags(tags, words) for tags in side] for side in tagged(2000, 0))
    counts = count_spans(gold, predicted, LABELS)
    found = in_turn(
        {"interval": lambda: bootstrap_interval(counts, "entity_f1", seed=1, resamples=10_000)}, rounds=rounds
    )
    print(f"\nbootstrap, 10,000 resamples of 2,000 sentences: {found.median('interval', 'seconds'):.2f} s")


if __name__ == "__main__":
    main()
