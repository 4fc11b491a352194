"""Projection without manual gold: rx-mini's test entities carried into English and back, in eight languages.

An entity counts where it returns to its own characters with its own label (exact-span F1 x 100), so each language
shows the product of two projections. The aligner learns from the translated training pairs as well. Not a measure of
either direction alone: use it to see what a rule or an aligner does across scripts. ``--rules`` switches each rule off
in turn. Needs nothing but the package; ``--aligner eflomal`` needs the extra, ``--aligner awesome`` takes
``aligner.path=FOLDER``.
"""

import argparse
from pathlib import Path

SWITCHES = ("anchors", "punctuation", "articles", "extend", "characters", "copy_verbatim", "assignment")


def round_trip(target: str, aligner, rules) -> tuple[float, int]:
    """Return exact-span F1 of the entities that came back, and how many were dropped on the way."""
    from harness.config import compose_config
    from harness.corpora.catalogue import load_corpora
    from harness.machine.store import DiskStore
    from harness.transfer.parallel import Parallel, align_corpora

    card = compose_config(["data=rx_mini"]).data
    keys = [("en", "train"), (target, "test"), (target, "translated_test"), (target, "translated_train")]
    corpora = load_corpora(card, Path.cwd(), keys).corpora
    train, gold, english, translated = (corpora[key].sentences for key in keys)
    plain = [sentence.with_spans(()) for sentence in gold]
    pairs = align_corpora(aligner, english, plain, DiskStore(), more=list(zip(train, translated, strict=True)))
    away = Parallel(
        gold, english, pairs.target_texts, pairs.source_texts,
        tuple({(j, i): weight for (i, j), weight in links.items()} for links in pairs.links), pairs.function[::-1],
    )  # fmt: skip
    first = away.project(None, rules)
    back = pairs.project([one.spans for one in first], rules)
    returned = sum(len(set(one.spans) & set(two.spans)) for one, two in zip(gold, back, strict=True))
    entities = sum(len(one.spans) for one in gold)
    dropped = sum(one.account.sum_of("dropped") for one in [*first, *back])
    return 200 * returned / (entities + sum(len(one.spans) for one in back)), dropped


def main() -> None:
    from harness.transfer.align.open import open_aligner
    from harness.workflows.transfer_files import cards

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--aligner", default="hmm")
    parser.add_argument("--rules", action="store_true", help="switch each rule off in turn")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    given = parser.parse_args()
    _, card, rules = cards(given.overrides, None, aligner=given.aligner)
    targets = ("fr", "de", "es", "sw", "tr", "ar", "hi", "zh")
    print(f"{'':18}" + "".join(f"{target:>7}" for target in targets) + f"{'mean':>7}  dropped")
    variants = {"all rules": rules}
    if given.rules:
        variants |= {f"no {name}": rules.model_copy(update={name: False}) for name in SWITCHES}
    for name, chosen in variants.items():
        found = [round_trip(target, open_aligner(card, Path.cwd()), chosen) for target in targets]
        row = "".join(f"{score:7.1f}" for score, _ in found) + f"{sum(score for score, _ in found) / len(found):7.1f}"
        print(f"{name:18}{row}{sum(dropped for _, dropped in found):9}", flush=True)


if __name__ == "__main__":
    main()
