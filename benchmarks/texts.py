"""Sentences to measure on: UNER English where it is at hand, else the embedded corpus over and over."""

import itertools
import os
from pathlib import Path

from harness.values.records import Sentence


def sentences(count: int) -> list[Sentence]:
    """Return labelled English sentences (PER, ORG, LOC) with their tokens; set HARNESS_REAL_DATA for real ones."""
    from harness.corpora.readers import READERS

    folder = Path(os.environ.get("HARNESS_REAL_DATA", "")) / "ner" / "uner_en_ewt" / "train.conll"
    if folder.is_file():
        return list(READERS["conll"](folder, "en").sentences[:count])
    from harness.config import compose_config
    from harness.corpora.catalogue import load_corpora
    from harness.values.languages import word_offsets

    card = compose_config(["data=rx_mini"]).data
    corpus = load_corpora(card, Path.cwd(), [("en", "train")]).corpus("en", "train")
    made = []
    for number, sentence in enumerate(itertools.islice(itertools.cycle(corpus.sentences), count)):
        words = tuple(word_offsets(sentence.text))
        made.append(Sentence(str(number), sentence.text, "en", (), words))
    return made
