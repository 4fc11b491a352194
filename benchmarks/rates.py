"""Sentences a second of aligning and projecting, and of reading LLM answers, on the embedded corpus."""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.rounds import in_turn


def _forgetful(aligner: Any) -> Any:
    """Return a joint aligner whose encoder is loaded and has read nothing."""
    from harness.transfer.align.states import KEPT_NUMBERS

    aligner._states()._kept.clear()
    aligner._states()._room = KEPT_NUMBERS
    return aligner


def main() -> None:
    from harness.answers.items import Legend
    from harness.answers.parse import parse_answer
    from harness.config import ProjectionCard, compose_config
    from harness.corpora.catalogue import load_corpora
    from harness.machine.store import MemoryStore
    from harness.transfer.align.open import open_aligner
    from harness.transfer.parallel import align_corpora

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    card = compose_config(["data=rx_mini"]).data
    corpora = load_corpora(card, Path.cwd(), [("en", "train"), ("de", "translated_train")]).corpora
    sources, targets = corpora["en", "train"].sentences, corpora["de", "translated_train"].sentences
    aligners = {
        name: open_aligner(compose_config([f"aligner={name}", "method=translate_train"]).aligner, Path.cwd())
        for name in ("hmm", "joint")
    }
    parallel = align_corpora(aligners["hmm"], sources, targets, MemoryStore())
    answer = json.dumps([{"tokens": ["Anna", "went", "to", "Rome"], "ner_tags": ["B-PER", "O", "O", "B-LOC"]}] * 20)
    contestants = {
        f"align, {name}": lambda aligner=aligner: align_corpora(aligner, sources, targets, MemoryStore())
        for name, aligner in aligners.items()
    }
    contestants["align, joint, no text read before"] = lambda: align_corpora(
        _forgetful(aligners["joint"]), sources, targets, MemoryStore()
    )
    contestants |= {
        "project": lambda: parallel.project(None, ProjectionCard()),
        "read an answer of 20 items": lambda: parse_answer(answer, Legend(("PER", "LOC")), "en", "a"),
    }
    found = in_turn(contestants, rounds=given.rounds)
    counts = {"project": len(sources), "read an answer of 20 items": 20}
    print(f"\n{len(sources)} pairs, {given.rounds} rounds\n\n| | a second |\n| --- | --- |")
    for name in found.names:
        print(f"| {name} | {counts.get(name, len(sources)) / found.median(name, 'seconds'):.0f} sentences |")


if __name__ == "__main__":
    main()
