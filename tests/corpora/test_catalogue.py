"""The checker of the embedded corpus: counts, well-formed tags, no duplicates, nothing shared between splits."""

import logging
from itertools import combinations
from pathlib import Path

import pytest

from harness.config import compose_config
from harness.corpora.catalogue import load_corpora
from harness.corpora.readers import reader_for
from harness.values.errors import DataError


def load(folder: Path, wanted: list[tuple[str, str]], *overrides: str):  # type: ignore[no-untyped-def]
    config = compose_config(["data=toy", *overrides], folder)
    assert config.data_folder is not None
    return load_corpora(config.data, config.data_folder, wanted)


def test_a_card_is_read_with_paths_relative_to_it(toy_card: Path) -> None:
    corpus = load(toy_card, [("sw", "test")]).corpus("sw", "test")
    assert (len(corpus), corpus.entities, corpus.language) == (10, 20, "sw")  # 'swa' on the card


def test_a_difference_from_the_card_is_a_warning_with_both_figures(
    toy_card: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="harness"):
        catalogue = load(toy_card, [("en", "train")], "data.expected={en.train: {sentences: 50, entities: 96}}")
    assert [str(one) for one in catalogue.differences] == ["en.train: found 48 sentences, expected 50"]
    assert "found 48 sentences, expected 50" in caplog.text


def test_labels_are_mapped_and_drops_are_counted(toy_card: Path) -> None:
    corpus = load(
        toy_card, [("en", "train")], "data.labels=[NAME]", "data.label_map={PER: NAME, LOC: null}", "data.expected={}"
    ).corpus("en", "train")
    assert dict(corpus.label_counts) == {"NAME": 48}
    assert corpus.account["label_dropped/LOC"] == 48


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (["data.labels=[PER]"], "has label 'LOC'; allowed .*label_map: {LOC: null}"),
        (["data.source.train.path=nowhere.conll"], "no such file: .*nowhere.conll"),
        (["data.source.train.sha256=00"], "SHA-256 .* the card says 00"),
        (["data.source.train={path: en/train.xyz, format: null}"], "the ending tells no format"),
    ],
)
def test_faults_of_a_card(overrides: list[str], fault: str, toy_card: Path) -> None:
    with pytest.raises(DataError, match=fault):
        load(toy_card, [("en", "train")], *overrides)


def test_a_split_that_is_not_on_the_card_is_named(toy_card: Path) -> None:
    with pytest.raises(DataError, match=r"toy has no sw.dev"):
        load(toy_card, [("sw", "dev")])


def test_an_empty_corpus_is_an_error(toy_card: Path) -> None:
    (toy_card / "data" / "en" / "train.conll").write_text("\n\n")
    with pytest.raises(DataError, match=r"toy en.train .*holds no sentence"):
        load(toy_card, [("en", "train")])


def test_a_dev_set_is_held_out_by_document_and_always_the_same(toy_card: Path) -> None:
    overrides = ["data.source.dev=null", "data.source.dev_share=0.3", "data.expected={}"]
    first = load(toy_card, [("en", "train"), ("en", "dev")], *overrides)
    second = load(toy_card, [("en", "dev")], *overrides)
    train, dev = first.corpus("en", "train"), first.corpus("en", "dev")
    assert len(train) + len(dev) == 48
    assert 0 < len(dev) < 30
    assert dev.sentences == second.corpus("en", "dev").sentences
    assert not {sentence.id for sentence in train.sentences} & {sentence.id for sentence in dev.sentences}


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(DataError, match="'connl' is unknown; .*did you mean 'conll'"):
        reader_for("connl")


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


def test_a_mistyped_label_is_corrected_and_not_dropped(toy_card: Path) -> None:
    card = toy_card / "data" / "toy.yaml"
    card.write_text(card.read_text(encoding="utf-8").replace("[PER, LOC]", "[PERS, LOC]"), encoding="utf-8")
    config = compose_config(["data=toy"], toy_card)
    with pytest.raises(DataError, match=r"rename it there with label_map: \{PER: PERS\}"):
        load_corpora(config.data, toy_card / "data", [("en", "train")])
