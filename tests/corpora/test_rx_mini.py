"""The checker of the embedded corpus: counts, well-formed tags, no duplicates, nothing shared between splits."""

from itertools import combinations

import pytest

from harness.config import compose_config
from harness.corpora.catalogue import load_corpora

LABELS = {"DRUG", "STRENGTH", "FORM", "DOSAGE", "FREQUENCY", "DURATION"}
CONFIG = compose_config(["data=rx_mini"])


@pytest.mark.parametrize("language", CONFIG.data.languages)
def test_a_language_of_rx_mini_is_as_its_guide_says(language: str) -> None:
    splits = [split for split, _ in CONFIG.data.language_files(language).files()]
    assert CONFIG.data_folder is not None
    catalogue = load_corpora(CONFIG.data, CONFIG.data_folder, [(language, split) for split in splits])
    assert catalogue.differences == ()
    texts = {}
    for split in splits:
        corpus = catalogue.corpus(language, split)
        assert corpus.account == {}, f"{split} had to be repaired"
        texts[split] = [sentence.text for sentence in corpus.sentences]
        for sentence in corpus.sentences:
            assert sentence.text and sentence.text == sentence.text.strip()
            assert "<" not in sentence.text or split.startswith("translated")
            for span in sentence.spans:
                assert span.label in LABELS
                assert sentence.surface(span)[-1] not in ".,;:!?。，；：、،؛।"
    labelled = [split for split in splits if not split.startswith("translated")]
    for split in labelled:
        assert len(set(texts[split])) == len(texts[split])
    for first, second in combinations(labelled, 2):
        assert not set(texts[first]) & set(texts[second])


def test_translations_are_line_by_line() -> None:
    counts = {key: expected.sentences for key, expected in CONFIG.data.expected.items()}
    for language in CONFIG.data.targets:
        assert counts[f"{language}.translated_train"] == counts["en.train"]
        assert counts[f"{language}.translated_test"] == counts[f"{language}.test"]
