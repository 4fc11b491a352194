"""Label-free development sets in the target languages: source dev in translation, and held-out synthetic sentences.

No target gold is in them, so models of any method may be compared on them where nothing else is known of a language.
They are proxies: translated labels are projected ones, synthetic sentences share their writer with those a model may
have been trained on. Translate-test has no score on the translated set: on its way back through the source language the
set would be the original again. How well each ranks models is measured (docs/evaluation.md). They are the same for
every method of a study, whatever it is trained on.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.config import AlignerCard, Config, ProjectionCard
from harness.machine.store import ResultStore
from harness.transfer.align.contract import Aligner
from harness.transfer.align.open import open_aligner
from harness.transfer.routes import BackRoute, Means, Routes, back_route, carry_training, more_pairs
from harness.transfer.translate.open import open_translator
from harness.transfer.translate.texts import translate_texts
from harness.values.errors import DependencyError, HarnessError, first_line
from harness.values.records import Corpus, CorpusKey

logger = logging.getLogger(__name__)

Corpora = Mapping[CorpusKey, Corpus]

USUAL_ALIGNER = AlignerCard(name="hmm", kind="hmm", prefix=5)
"""Of ``configs/aligner/hmm.yaml``: projects the card's translated_dev where a study names no aligner."""


@dataclass(frozen=True)
class Proxy:
    """A labelled corpus without target gold.

    :param corpus: ``translated_dev`` or ``synthetic_dev`` of a target, or the source's ``dev``.
    :param route: for translate-test, the way through the source language.
    """

    corpus: Corpus
    route: BackRoute | None = None


def proxy_splits(config: Config) -> Iterator[CorpusKey]:
    """Yield what proxies are made from, as far as the card has it."""
    card = config.data
    source_dev = card.source.dev is not None or card.source.dev_share is not None
    if source_dev:
        yield card.source.language, "dev"
    for target in config.targets:
        files = card.targets[target]
        if files.synthetic_dev:
            yield target, "synthetic_dev"
            if config.method.test == "translated" and files.translated_synthetic_dev:
                yield target, "translated_synthetic_dev"
        elif files.synthetic and config.method.hold_out:
            yield target, "synthetic"
        if files.translated_dev and source_dev:
            yield target, "translated_dev"
            if files.translated_train and card.source.train:
                yield target, "translated_train"
                yield card.source.language, "train"


def prepare_proxies(config: Config, corpora: Corpora, routes: Routes, folder: Path, store: ResultStore) -> list[Proxy]:
    """Return the proxies of every target language, and source dev.

    What cannot be made is left out with a warning: a run does not depend on them.

    :param corpora: what :func:`proxy_splits` asked for.
    :param routes: of the method, whose translations are taken where they are the ones a proxy would have.
    """
    source_dev = corpora.get((config.data.source.language, "dev"))
    found = [Proxy(source_dev)] if source_dev else []
    for target in config.targets:
        made: list[Corpus] = []
        with left_out(f"{target}: no translated dev set can be made to judge by", config.data.restricted):
            translated = _translated(config, corpora, routes, target, folder, store)
            made += [translated] if translated else []
        made += [corpora[(target, "synthetic_dev")]] if (target, "synthetic_dev") in corpora else []
        for corpus in made:
            with left_out(f"{target}: {corpus.split} cannot be tagged in translation", config.data.restricted):
                found += _proxy(config, corpora, corpus, folder, store)
    return found


@contextmanager
def left_out(what: str, restricted: bool) -> Iterator[None]:
    """Go on without a proxy that cannot be made, and say so; nothing of a restricted text."""
    try:
        yield
    except HarnessError as error:
        logger.warning("%s: %s", what, error)
    except Exception as error:  # noqa: BLE001 - whatever an engine raises: the run does not depend on it
        logger.warning("%s: %s%s", what, type(error).__name__, "" if restricted else f": {first_line(error)}")


def _opened(card: AlignerCard, folder: Path) -> Aligner:
    """Return the study's aligner; where its package is missing, the one that needs nothing."""
    try:
        return open_aligner(card, folder)
    except DependencyError as error:
        logger.warning("the translated dev sets are made with aligner %s: %s", USUAL_ALIGNER.name, error)
        return open_aligner(USUAL_ALIGNER, folder)


def _translated(
    config: Config, corpora: Corpora, routes: Routes, target: str, folder: Path, store: ResultStore
) -> Corpus | None:
    """Return source dev in translation with projected entities: the card's translation, else the study's engine."""
    source = config.data.source.language
    dev = corpora.get((source, "dev"))
    if dev is None:
        return None
    aligner = config.named_aligner if config.named_aligner.kind not in ("none", "file") else USUAL_ALIGNER
    own = routes.development.get(target)
    if own and config.aligner == aligner and config.method.projection == ProjectionCard():
        return own.corpus
    more = more_pairs(corpora, source, target)
    if (target, "translated_dev") in corpora:
        texts = [sentence.text for sentence in corpora[(target, "translated_dev")].sentences]
    elif _may_translate(config):
        translator = open_translator(config.named_translator, source, target, folder)
        texts, _ = translate_texts(
            translator, [sentence.text for sentence in dev.sentences], store.rows("translations")
        )
    else:
        return None
    means = Means(_opened(aligner, folder), ProjectionCard(), store)
    return carry_training(dev, target, texts, means, more=more).corpus


def _may_translate(config: Config) -> bool:
    """Return True where the study names an engine that can translate anything, and may be shown the text."""
    card = config.named_translator
    engine = card.kind not in ("none", "file") or (card.kind == "file" and bool(card.path))
    return engine and not (config.data.restricted and card.leaves_machine)


def _proxy(config: Config, corpora: Corpora, corpus: Corpus, folder: Path, store: ResultStore) -> list[Proxy]:
    """Return a corpus as a proxy; for translate-test with its way through the source language, or nothing."""
    if config.method.test != "translated":
        return [Proxy(corpus)]
    if corpus.split == "translated_dev":
        return []  # a round trip: the model would tag the sentences that the set was made from
    source, target = config.data.source.language, corpus.language
    means = Means(open_aligner(config.aligner, folder), config.method.projection, store)
    route = partial(back_route, corpus, source, means=means, more=more_pairs(corpora, source, target))
    if _may_translate(config):
        translator = open_translator(config.translator, target, source, folder)
        texts, notes = translate_texts(
            translator, [sentence.text for sentence in corpus.sentences], store.rows("translations")
        )
        return [Proxy(corpus, route(translations=texts, notes=notes))]
    key = (target, f"translated_{corpus.split}")
    if key in corpora:
        return [Proxy(corpus, route(translations=[sentence.text for sentence in corpora[key].sentences]))]
    return []
