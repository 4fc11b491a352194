"""What the translation methods need before a model is trained: translated training sets, and ways back from tests.

Depends on the data, the translator, the aligner and the rules, not on encoder, ratio or seed: a sweep pays once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from harness.config import Config
from harness.transfer.align.contract import Aligner, open_aligner
from harness.transfer.parallel import BackRoute, Carried, back_route, carry_training
from harness.transfer.translate.contract import open_translator, translate_texts
from harness.values.errors import ConfigError
from harness.values.records import Corpus, Sentence

Key = tuple[str, str]


@dataclass(frozen=True)
class Routes:
    """Translated training sets and ways back, by target language; empty for methods without translation."""

    training: Mapping[str, Carried] = field(default_factory=dict)
    testing: Mapping[str, BackRoute] = field(default_factory=dict)

    def corpora(self) -> dict[Key, Corpus]:
        """Return the translated training sets as corpora of their languages."""
        return {(language, "translated_train"): carried.corpus for language, carried in self.training.items()}


def file_splits(config: Config) -> Iterator[Key]:
    """Yield the translations to read from the data card, those an aligner can learn from besides included."""
    if not config.method.translates or config.translator.kind != "file" or config.translator.path:
        return
    for target in config.targets:
        if config.method.test == "translated":
            yield target, "translated_test"
        if "translated" in config.method.train or config.data.targets[target].translated_train:
            yield target, "translated_train"


def prepare_routes(config: Config, corpora: Mapping[Key, Corpus], folder: Path) -> Routes:
    """Translate and align what a method needs.

    :param corpora: with the source's training set, the targets' tests, and the card's own translations.
    :param folder: what relative paths of translator and aligner start from.
    :raises HarnessError: a translator or aligner is missing, or translations and sentences differ in number.
    """
    if not config.method.translates:
        return Routes()
    training: dict[str, Carried] = {}
    testing: dict[str, BackRoute] = {}
    for target in config.targets:
        aligner = open_aligner(config.aligner, folder)
        if "translated" in config.method.train:
            training[target] = _training(config, corpora, target, aligner, folder)
        if config.method.test == "translated":
            testing[target] = _testing(config, corpora, target, aligner, folder)
    return Routes(training, testing)


def _training(config: Config, corpora: Mapping[Key, Corpus], target: str, aligner: Aligner, folder: Path) -> Carried:
    source = config.data.source.language
    corpus = corpora[(source, "train")]
    keep = not config.data.restricted
    rules = config.method.projection
    if (target, "translated_train") in corpora:
        if rules.markers != "none":
            raise ConfigError(
                f"method.projection.markers={rules.markers} needs a translator that translates marked text; "
                "translator=file has translations without marks (choose another, or markers=none)"
            )
        texts = [sentence.text for sentence in corpora[(target, "translated_train")].sentences]
        return carry_training(corpus, target, texts, aligner, rules, keep=keep)
    translator = open_translator(config.translator, source, target, folder)
    translate = partial(translate_texts, translator, keep=keep)
    texts, notes = translate([sentence.text for sentence in corpus.sentences])
    return carry_training(corpus, target, texts, aligner, rules, keep=keep, notes=notes, translate=translate)


def _testing(config: Config, corpora: Mapping[Key, Corpus], target: str, aligner: Aligner, folder: Path) -> BackRoute:
    source = config.data.source.language
    test = corpora[(target, "test")]
    keep = not config.data.restricted
    notes: dict[str, int] = {}
    if (target, "translated_test") in corpora:
        texts = [sentence.text for sentence in corpora[(target, "translated_test")].sentences]
    else:
        translator = open_translator(config.translator, target, source, folder)
        texts, notes = translate_texts(translator, [sentence.text for sentence in test.sentences], keep=keep)
    return back_route(
        test, source, texts, aligner, config.method.projection, keep=keep, more=_more(corpora, source, target),
        notes=notes,
    )  # fmt: skip


def _more(corpora: Mapping[Key, Corpus], source: str, target: str) -> list[tuple[Sentence, Sentence]]:
    """Return training pairs for an aligner to learn from, where the card has them: a test set alone is small."""
    translated = corpora.get((target, "translated_train"))
    gold = corpora.get((source, "train"))
    if translated is None or gold is None or len(translated) != len(gold):
        return []
    return list(zip(gold.sentences, translated.sentences, strict=True))
