"""Time and memory of reading and scoring corpora of 10,000 to 1,000,000 sentences: does anything outgrow them?"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from benchmarks.rounds import contest
from benchmarks.texts import sentences

SIZES = (10_000, 100_000, 1_000_000)


def run(size: str) -> dict[str, float]:
    """Read a CoNLL file of so many sentences and score it against itself."""
    from harness.corpora.readers import READERS
    from harness.evaluation.spans import count_spans
    from harness.values.labels import tags_from_spans

    lines = []
    for sentence in sentences(1000):
        tags, _ = tags_from_spans(sentence.spans, sentence.tokens)
        words = [sentence.text[start:end] for start, end in sentence.tokens]
        lines.append("".join(f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True)) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.conll"
        with path.open("w", encoding="utf-8") as file:
            for _ in range(int(size) // len(lines)):
                file.writelines(lines)
        started = time.perf_counter()
        corpus = READERS["conll"](path, "en")
        read = time.perf_counter() - started
    spans = [sentence.spans for sentence in corpus.sentences]
    started = time.perf_counter()
    count_spans(spans, spans)
    scored = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"read": read, "score": scored, "peak_mb": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    given = parser.parse_args()
    found = contest(__name__, [str(size) for size in given.sizes], (), rounds=given.rounds)
    print(f"\n{given.rounds} rounds\n\n| sentences | read, s | score, s | peak MB |\n| --- | --- | --- | --- |")
    for name in found.names:
        cells = [f"{found.median(name, key):.1f}" for key in ("read", "score", "peak_mb")]
        print(f"| {int(name):,} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
