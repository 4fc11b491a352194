"""Everything an experiment needs before a model is trained; bad input stops here, and no run is opened."""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.config import Config
from harness.config.strict import resolve_path
from harness.corpora.catalogue import Catalogue
from harness.corpora.leaks import Leak, find_leaks
from harness.corpora.splits import hold_out, nested_subset
from harness.experiment.identity import data_params, identity_digest, needed_splits
from harness.experiment.warm import Warm
from harness.machine.locks import scratch_folder
from harness.machine.provenance import file_digest
from harness.machine.store import resumable_folder
from harness.model.encoder_memory import EncoderMemory
from harness.model.plan import TrainingPlan
from harness.synthesis.card import card_path, read_card
from harness.tracking.tracker import Pruned
from harness.transfer.mixture import Mixture, Splitting, mixtures, synthetic_languages
from harness.transfer.proxies import Proxy
from harness.transfer.routes import BackRoute, Routes
from harness.values.errors import ConfigError, DataError, DiskError, UsageError
from harness.values.records import Corpus, CorpusKey

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """Corpora, translations and mixtures of one experiment.

    :param mixtures: the training mixture of each model.
    :param cards: quality cards of the synthetic corpora in use, by language.
    :param encoders: where encoders and encoded text are kept.
    :param proxies: label-free development sets in the target languages.
    :param leaks: test sentences that stand in the training mixtures; above the bound only those allowed by name.
    """

    config: Config
    catalogue: Catalogue
    routes: Routes
    mixtures: tuple[Mixture, ...]
    cards: Mapping[str, Mapping[str, Any]]
    encoders: EncoderMemory
    proxies: tuple[Proxy, ...] = ()
    leaks: tuple[Leak, ...] = ()

    @property
    def plan(self) -> TrainingPlan:
        """How each model is trained."""
        return TrainingPlan.of(self.config)

    @property
    def corpora(self) -> dict[CorpusKey, Corpus]:
        """The corpora of the card, and those that translation has made."""
        return {**self.catalogue.corpora, **self.routes.corpora()}

    @property
    def data_params(self) -> dict[str, str]:
        """What a run records of the content of its data."""
        return data_params(self.config, self.catalogue.corpora, self.routes.corpora())

    def part(self, mixture: Mixture) -> str:
        """Return the name of a model where there are several, else nothing."""
        return "-".join(mixture.targets) if len(self.mixtures) > 1 else ""

    def tests(self, mixture: Mixture) -> list[Corpus]:
        """Return what a model is scored on: source test, the tests of its targets, and devs that did not select."""
        method = self.config.method
        source = self.config.data.source.language
        splits = ("test",) if method.test == "translated" else ("test", "dev")  # tests alone are translated
        wanted = [(source, "test"), *((target, split) for target in mixture.targets for split in splits)]
        selecting = {(target, "dev") for target in mixture.targets if "target" in method.dev_parts}
        corpora = self.catalogue.corpora
        return [corpora[key] for key in wanted if key in corpora and key not in selecting]

    def judges(self, mixture: Mixture) -> list[Proxy]:
        """Return what a model is scored on besides: proxies of its targets, and source dev where that did not judge."""
        source = self.config.data.source.language
        judged = {*mixture.targets} | ({source} if mixture.dev_name != source else set())
        return [proxy for proxy in self.proxies if proxy.corpus.language in judged]

    def route(self, corpus: Corpus) -> BackRoute | None:
        """Return the way back from a test set's translation, where that is what gets tagged."""
        return self.routes.testing.get(corpus.language) if corpus.split == "test" else None


def prepare(config: Config, warm: Warm) -> Prepared:
    """Read the corpora of a configuration, load the encoder, translate where the method does, mix the training data.

    :raises HarnessError: a file is missing or malformed, the recipe cannot be followed, or the encoder not loaded.
    """
    if not config.targets:
        raise ConfigError(f"data.targets: {config.data.name} names no target language")
    catalogue = warm.catalogue(config, needed_splits(config))
    # Before translations and alignments, which can take minutes: whoever has no such encoder hears of it at once.
    warm.encoders(config).load(config.encoder, TrainingPlan.of(config).tags, config.trainer.max_length)
    routes = warm.routes(config, catalogue)
    mixed = mixtures(
        config.method,
        {**catalogue.corpora, **routes.corpora()},
        source=config.data.source.language,
        targets=config.targets,
        splitting=Splitting(nested_subset, hold_out, config.resolved_seeds["data"]),
    )
    cards = _quality_cards(config, synthetic_languages(mixed))
    proxies = warm.proxies(config, catalogue, routes)
    prepared = Prepared(config, catalogue, routes, tuple(mixed), cards, warm.encoders(config), proxies)
    prepared = replace(prepared, leaks=tuple(check_leaks(prepared)))
    return prepared


def check_leaks(prepared: Prepared) -> list[Leak]:
    """Compare every mixture with the tests its model will be scored on.

    :raises DataError: more of a test set than ``leaks.bound`` stands in a mixture; ``leaks.allow`` can name it.
    """
    config = prepared.config
    found = []
    for mixture in prepared.mixtures:
        tests = [corpus for corpus in prepared.tests(mixture) if corpus.split == "test"]
        routes = [route for corpus in tests if (route := prepared.route(corpus))]
        tagged = [replace(route.test, sentences=route.translated) for route in routes]  # what translate-test tags
        for leak in find_leaks(mixture.train, [*tests, *tagged]):
            if leak.share > config.leaks.bound and leak.name not in config.leaks.allow:
                ids = f" (for example training sentence {leak.example[0]} and test sentence {leak.example[1]})"
                raise DataError(
                    f"{leak} of {config.data.name} stand in the training mixture of {config.method.name}"
                    f"{'' if config.data.restricted else ids}, more than "
                    f"leaks.bound={config.leaks.bound:g} of them; take them out of the training data, or allow it with "
                    f"leaks.allow=[{leak.name}], which is tagged"
                )
            logger.warning("%s stand in the training mixture", leak)
            found.append(leak)
    return found


def _quality_cards(config: Config, languages: list[str]) -> dict[str, dict[str, Any]]:
    """Return the quality cards beside the synthetic corpora of a run, by language; many have none.

    A card names frequent entities, so for a restricted corpus none is kept.

    :raises DataError: the corpus changed since its card was written.
    """
    cards = {}
    for language in languages:
        source = config.data.targets[language].synthetic
        path = resolve_path(source.path, config.data_folder or Path.cwd()) if source and source.path else None
        if path is None or config.data.restricted or not card_path(path).is_file():
            continue
        card = read_card(path)
        if card.get("sha256") and card["sha256"] != file_digest(path):
            raise DataError(f"{path} changed since its quality card was written; make both anew, or remove the card")
        cards[language] = card
    return cards


def training_folder(config: Config) -> AbstractContextManager[Path]:
    """Return a folder for the weights and states of a run's trainings.

    A killed run leaves it to the next one of the same configuration. A restricted corpus leaves nothing but what
    ``tracking`` keeps: its folder is a temporary one, and a killed training begins anew.
    """
    if config.data.restricted:
        return scratch_folder()
    return resumable_folder(identity_digest(config), done=(Pruned, UsageError, DiskError))
