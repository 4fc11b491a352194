"""How much training a configuration asks for, told from its data before anything is translated or trained."""

from collections.abc import Mapping
from dataclasses import replace

from harness.config import Config
from harness.corpora.splits import hold_out, nested_subset
from harness.experiment.identity import needed_splits
from harness.experiment.warm import Warm
from harness.transfer.mixture import Mixture, Splitting, mixtures
from harness.values.records import Corpus, CorpusKey, Sentence

CHARACTERS_A_TOKEN = 4
"""Of European languages in multilingual vocabularies, roughly: enough to say which cell is the longest."""


def natural_steps(config: Config, warm: Warm) -> int:
    """Return the optimizer steps of a configuration's longest training, as its epochs give them.

    Windows of long sentences are not counted, and batches by tokens are estimated from characters.

    :raises HarnessError: the data cannot be read, or the recipe not be followed (more synthetic sentences asked for
        than there are).
    """
    trainer = config.trainer
    steps = 0
    for mixture in _mixtures(config, warm):
        if trainer.token_budget is None:
            batches = -(-len(mixture.train) // trainer.batch_size)
        else:
            batches = -(-sum(map(_tokens, mixture.train)) // trainer.token_budget)
        steps = max(steps, -(-batches // (trainer.accumulate_batches * trainer.devices)) * config.max_epochs)
    return trainer.max_steps or steps


def natural_tokens(config: Config, warm: Warm) -> int:
    """Return the subwords that a configuration's longest training sees, roughly, as its epochs give them."""
    return max(sum(map(_tokens, mixture.train)) for mixture in _mixtures(config, warm)) * config.max_epochs


def _tokens(sentence: Sentence) -> int:
    return len(sentence.text) // CHARACTERS_A_TOKEN + 2


def _mixtures(config: Config, warm: Warm) -> list[Mixture]:
    """Return mixtures of the true size, with source sentences in the place of their translations."""
    catalogue = warm.catalogue(config, needed_splits(config))
    return mixtures(
        config.method,
        {**catalogue.corpora, **_stand_ins(config, catalogue.corpora)},
        source=config.data.source.language,
        targets=config.targets,
        splitting=Splitting(nested_subset, hold_out, config.resolved_seeds["data"]),
    )


def _stand_ins(config: Config, corpora: Mapping[CorpusKey, Corpus]) -> dict[CorpusKey, Corpus]:
    found: dict[CorpusKey, Corpus] = {}
    if "translated" not in config.method.train:
        return found
    for split in ("train", "dev"):
        original = corpora.get((config.data.source.language, split))
        for target in config.targets if original else ():
            assert original is not None
            found[(target, f"translated_{split}")] = replace(original, language=target)
    return found
