"""Tagging files with an exported model: ``harness predict``.

A model of translate-test tags its source language. Texts in another one are translated first, and what is found in the
translation is projected back onto them: with a translator and an aligner that the command names, since those of the
run may have been files, and text must not be sent anywhere that nobody chose.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from harness.corpora.catalogue import read_texts
from harness.corpora.readers.text import decode, split_lines
from harness.machine.store import MemoryStore
from harness.model.recogniser import ThroughTranslation
from harness.model.trained import TrainedTagger, load_tagger, read_manifest
from harness.transfer.align.open import open_aligner
from harness.transfer.routes import Means, back_route
from harness.transfer.translate.open import open_translator
from harness.transfer.translate.texts import translate_texts
from harness.values.account import Account
from harness.values.errors import UsageError, shown
from harness.values.interchange import with_predictions
from harness.values.records import Corpus, Sentence
from harness.workflows.candidates import Languages
from harness.workflows.transfer_files import cards, read_pairs

UNKNOWN = "und"
"""BCP-47's tag for a language that nobody stated."""


@dataclass(frozen=True)
class Through:
    """How texts get into the language of a translate-test model, and its findings back.

    :param translator, aligner: names of cards; no translator for texts of the model's own language.
    :param keys: ``KEY=VALUE`` for the cards.
    :param learn_from: file of further pairs, source first, that a statistical aligner learns from.
    """

    translator: str | None = None
    aligner: str = "joint"
    keys: tuple[str, ...] = ()
    config_dir: Path | None = None
    learn_from: Path | None = None


class Tagged(NamedTuple):
    """Texts with the entities that a model found.

    :param account: what became of entities that were carried back from a translation.
    :param scores: probability of each span, 0..1; nothing for entities that were carried back.
    """

    sentences: list[Sentence]
    account: Account
    scores: list[tuple[float, ...]] | None = None


def read_input(file: Path | None, language: str, format_name: str | None) -> tuple[list[Sentence], Account]:
    """Read what is to be tagged, without its entities.

    :param file: any file that ``data convert`` reads; lines of standard input without one.
    :returns: the sentences, and what the reader repaired or dropped.
    """
    if file is not None:
        reading = read_texts(file, language, format_name)
        return [sentence.with_spans(()) for sentence in reading.sentences], reading.account
    lines = [line.strip() for line in split_lines(decode(sys.stdin.buffer.read(), "standard input"))]
    return [Sentence(str(number), line, language) for number, line in enumerate(lines, 1)], Account()


def tag(folder: Path, sentences: list[Sentence], language: str = UNKNOWN, through: Through | None = None) -> Tagged:
    """Return the sentences with the entities that an exported model finds.

    :param language: of the texts, a BCP-47 tag.
    :param through: the way of texts that are not in the language of a translate-test model.
    :raises DataError: the folder holds no model, or a damaged one.
    :raises UsageError: a translate-test model, and nobody says how to translate.
    """
    manifest = read_manifest(folder)
    tagger = load_tagger(folder)
    through = through or Through()
    if _is_direct(folder, manifest, language, through):
        predicted = tagger.predict(sentences)
        return Tagged(with_predictions(sentences, predicted.spans), Account(), predicted.scores)
    return _tag_through(tagger, manifest, sentences, language, through)


def _is_direct(folder: Path, manifest: Mapping[str, Any], language: str, through: Through) -> bool:
    """Return True for texts that the model can tag as they are.

    :raises UsageError: nobody can tell, or the translator is missing.
    """
    method = manifest.get("method")
    if not isinstance(method, Mapping) or method.get("test") != "translated":
        if through.translator:
            raise UsageError(f"{folder} tags texts as they are (it is not of translate_test); leave --translator out")
        return True
    source = str(manifest.get("source"))
    if language == UNKNOWN:
        raise UsageError(
            f"{folder} is a model of translate_test: it tags {shown(source)[1:-1]}; say what the texts are with "
            "--language, and for any other language how to translate them with --translator"
        )
    if language.partition("-")[0] == source.partition("-")[0]:
        return True
    if not through.translator:
        raise UsageError(
            f"{folder} is a model of translate_test: texts in {language} are translated into {shown(source)[1:-1]} "
            "first; name an engine with --translator (see harness translate --help), and a word aligner with --aligner"
        )
    return False


def _tag_through(
    tagger: TrainedTagger, manifest: Mapping[str, Any], sentences: list[Sentence], language: str, through: Through
) -> Tagged:
    """Translate, tag, and project what was found back onto the texts; nothing is kept on the disk."""
    languages = Languages.of(str(manifest["source"]), language)
    translator_card, aligner_card, rules = cards(
        through.keys, through.config_dir, translator=str(through.translator), aligner=through.aligner
    )
    if manifest.get("restricted") and translator_card.leaves_machine:
        raise UsageError(
            f"translator {translator_card.name} sends text to another machine, and the model is of restricted data; "
            "use a local engine"
        )
    store, folder = MemoryStore(), Path.cwd()
    translator = open_translator(translator_card, languages.target, languages.source, folder)
    texts, notes = translate_texts(translator, [sentence.text for sentence in sentences], store.rows("translations"))
    more = read_pairs(through.learn_from, languages) if through.learn_from else ()
    corpus = Corpus("texts", "test", languages.target, tuple(sentences), ())
    means = Means(open_aligner(aligner_card, folder), rules, store)
    route = back_route(corpus, languages.source, texts, means, more=more, notes=notes)
    predictions = ThroughTranslation(tagger, route).predict(sentences)
    counts = Account({name: int(number) for name, number in predictions.projection.items() if "/" not in name})
    return Tagged(with_predictions(sentences, predictions.spans), counts.nonzero())
