"""A method is a recipe: which parts make the training mixture, and which corpora select and test.

The named methods (``configs/method``) are presets of one schema, so combinations need no new code. The mixture
lists source gold first and then, by target, translated, synthetic and target gold sentences; a part of size 0 leaves no
trace, so ratio 0 is zero-shot to the last digit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.config import MethodConfig
from harness.values.account import Account
from harness.values.errors import ConfigError
from harness.values.records import Corpus, CorpusKey, Sentence

Subset = Callable[[Corpus, int, int], Corpus]
"""``subset(corpus, size, seed)``: nested, see :func:`harness.corpora.splits.nested_subset`."""

SYNTHETIC_DEV_SHARE = 0.1
"""Held out for ``method.dev: synthetic``; the customary tenth."""


@dataclass(frozen=True)
class Mixture:
    """What one model is trained on and selected by.

    :param targets: the languages this model is tested on.
    :param account: sentences by part (``synthetic/sv``), as used and, where it differs, as asked for.
    """

    targets: tuple[str, ...]
    train: tuple[Sentence, ...]
    dev: tuple[Sentence, ...]
    dev_name: str
    account: Account

    @property
    def synthetic(self) -> dict[str, int]:
        """Synthetic sentences in it, by language."""
        return self.account.reasons("synthetic")


def needed_corpora(method: MethodConfig, source: str, targets: Sequence[str]) -> Iterator[CorpusKey]:
    """Yield language and split of every corpus the method must have; tests come from the pipeline.

    ``translated_train`` and ``translated_test`` are read from the card by the translator ``file`` and made by others.
    """
    if {"source", "translated"} & set(method.train) or method.ratio is not None:
        yield source, "train"
    if method.dev == "source":
        yield source, "dev"
    for target in targets:
        if method.test == "translated":
            yield target, "translated_test"
        if "translated" in method.train:
            yield target, "translated_train"
        if "synthetic" in method.train and (method.ratio != 0 and method.size != 0):
            yield target, "synthetic"
        if "target" in method.train:
            yield target, "train"
        if method.dev == "target":
            yield target, "dev"


def mixtures(
    method: MethodConfig,
    corpora: Mapping[CorpusKey, Corpus],
    *,
    source: str,
    targets: Sequence[str],
    seed: int,
    subset: Subset,
) -> list[Mixture]:
    """Return the mixture of each model: one for all targets, or one for each.

    Separate models whose mixtures come out the same (zero-shot) are one model.

    :raises ConfigError: fewer synthetic sentences exist than asked for and ``method.shortfall`` is stop.
    """
    groups = [tuple(targets)] if method.targets == "joint" else [(target,) for target in targets]
    mixed: list[Mixture] = []
    for group in groups:
        mixture = _mixture(method, corpora, source, group, seed, subset)
        twin = next(
            (earlier for earlier in mixed if earlier.train == mixture.train and earlier.dev == mixture.dev), None
        )
        if twin:
            mixed[mixed.index(twin)] = replace(
                twin, targets=twin.targets + group, account=Account({**twin.account, **mixture.account})
            )
        else:
            mixed.append(mixture)
    return mixed


def synthetic_languages(mixed: Sequence[Mixture]) -> list[str]:
    """Return the languages whose synthetic sentences some model is trained on."""
    used = {language for mixture in mixed for language, count in mixture.synthetic.items() if count}
    return sorted(used)


def _mixture(
    method: MethodConfig,
    corpora: Mapping[CorpusKey, Corpus],
    source: str,
    group: tuple[str, ...],
    seed: int,
    subset: Subset,
) -> Mixture:
    account = Account()
    train: list[Sentence] = []
    dev: list[Sentence] = []
    if "source" in method.train:
        gold = corpora[(source, "train")]
        train += gold.sentences
        account[f"source/{source}"] = len(gold)
    if method.dev == "source":
        dev += corpora[(source, "dev")].sentences
    for target in group:
        if "translated" in method.train:
            translated = corpora[(target, "translated_train")]
            train += translated.sentences
            account[f"translated/{target}"] = len(translated)
        if (target, "synthetic") in corpora and "synthetic" in method.train:
            chosen, held_out = _synthetic(method, corpora, source, target, seed, subset, account)
            train += chosen
            dev += held_out
        if "target" in method.train:
            gold = corpora[(target, "train")]
            train += gold.sentences
            account[f"target/{target}"] = len(gold)
        if method.dev == "target":
            dev += corpora[(target, "dev")].sentences
    name = {"source": source, "synthetic": "synthetic", "target": "-".join(group)}[method.dev]
    return Mixture(group, tuple(train), tuple(dev), name, account)


def _synthetic(
    method: MethodConfig,
    corpora: Mapping[CorpusKey, Corpus],
    source: str,
    target: str,
    seed: int,
    subset: Subset,
    account: Account,
) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    corpus = corpora[(target, "synthetic")]
    available = len(corpus)
    ordered = subset(corpus, available, seed)
    held_out: tuple[Sentence, ...] = ()
    if method.dev == "synthetic":
        kept = available - max(1, round(SYNTHETIC_DEV_SHARE * available))
        held_out = ordered.sentences[kept:]
        available = kept
        account[f"synthetic_dev/{target}"] = len(held_out)
    wanted = _wanted(method, corpora, source, available)
    if wanted > available:
        if method.shortfall == "stop":
            raise ConfigError(
                f"{_asked(method)} asks for {wanted} synthetic sentences in {target!r}, the corpus has {available}; "
                "use a smaller one, generate more, or set method.shortfall=use_all"
            )
        account[f"synthetic_asked/{target}"] = wanted
        wanted = available
    account[f"synthetic/{target}"] = wanted
    return ordered.sentences[:wanted], held_out


def _wanted(method: MethodConfig, corpora: Mapping[CorpusKey, Corpus], source: str, available: int) -> int:
    if method.size is not None:
        return method.size
    if method.ratio is not None:
        return round(method.ratio * len(corpora[(source, "train")]))
    return available


def _asked(method: MethodConfig) -> str:
    return f"method.size={method.size}" if method.size is not None else f"method.ratio={method.ratio:g}"
