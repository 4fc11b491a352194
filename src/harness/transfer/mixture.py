"""A method is a recipe: which parts make the training mixture, and which corpora judge and test.

The named methods (``configs/method``) are presets of one schema, so combinations need no new code. The mixture lists
source gold first and then, by target, translated, target gold and synthetic sentences; a part of size 0 leaves no
trace, so ratio 0 is zero-shot to the last digit. The dev set is composed as the mixture is, of data that no ratio
trains on: a model is not judged on a language that it never saw.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from harness.config import MethodConfig
from harness.values.account import Account
from harness.values.errors import ConfigError
from harness.values.records import Corpus, CorpusKey, Sentence


class Subset(Protocol):
    """``subset(corpus, size, seed)``: nested, see :func:`harness.corpora.splits.nested_subset`."""

    def __call__(self, corpus: Corpus, size: int, seed: int) -> Corpus:
        """Return ``size`` of the sentences, in an order that the seed gives."""
        ...


HoldOut = Callable[[Corpus, float, str, Callable[[Sentence], str] | None], tuple[Corpus, Corpus]]
"""``hold_out(corpus, share, split, key)``, see :func:`harness.corpora.splits.hold_out`."""


@dataclass(frozen=True)
class Splitting:
    """How corpora are cut and drawn from.

    :param seed: of the subsets (``seeds.data``).
    """

    subset: Subset
    hold_out: HoldOut
    seed: int


@dataclass(frozen=True)
class Mixture:
    """What one model is trained on and judged by.

    :param targets: the languages this model is tested on.
    :param account: sentences by part (``synthetic/sv``), as used and, where it differs, as asked for; those of the dev
        set as ``dev/PART/sv``.
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


@dataclass(frozen=True)
class _Part:
    """Training and dev sentences of one part in one language."""

    name: str
    language: str
    train: tuple[Sentence, ...]
    dev: tuple[Sentence, ...]


def needed_corpora(method: MethodConfig, source: str, targets: Sequence[str]) -> Iterator[CorpusKey]:
    """Yield language and split of every corpus the method must have; tests come from the pipeline.

    ``translated_train`` and ``translated_test`` are read from the card by the translator ``file`` and made by others.
    """
    if {"source", "translated"} & set(method.train) or method.ratio is not None:
        yield source, "train"
    if "source" in method.dev_parts:
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
    splitting: Splitting,
) -> list[Mixture]:
    """Return the mixture of each model: one for all targets, or one for each.

    Separate models whose mixtures come out the same (zero-shot) are one model.

    :raises ConfigError: fewer synthetic sentences exist than asked for and ``method.shortfall`` is stop, or there is
        nothing to judge by.
    """
    groups = [tuple(targets)] if method.targets == "joint" else [(target,) for target in targets]
    mixed: list[Mixture] = []
    for group in groups:
        mixture = _Mixing(method, corpora, source, splitting, Account()).mixture(group)
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


@dataclass(frozen=True)
class _Mixing:
    """The making of one mixture."""

    method: MethodConfig
    corpora: Mapping[CorpusKey, Corpus]
    source: str
    splitting: Splitting
    account: Account

    def mixture(self, group: tuple[str, ...]) -> Mixture:
        """Return the mixture of one model."""
        method, account = self.method, self.account
        everything = self._everything(group)
        synthetic = [self._synthetic(target) for target in group if self._has_synthetic(target)]
        added = sum(len(part.train) for part in synthetic)
        if method.fill == "replace":
            everything = self._without(everything, added)
        base = [part for part in everything if part.name in method.train]
        account.update({f"{part.name}/{part.language}": len(part.train) for part in base})
        train = [sentence for part in base for sentence in part.train]
        if method.fill == "upsample":
            train += self._again(train, added)
        else:
            account.update({f"synthetic/{part.language}": len(part.train) for part in synthetic})
            train += [sentence for part in synthetic for sentence in part.train]
        dev = self._dev(everything, synthetic)
        if not dev:
            raise ConfigError(
                f"method.dev={method.dev}: nothing is held out to judge {method.name} by (method.hold_out="
                f"{method.hold_out:g}); give the card synthetic_dev or translated_dev, or raise method.hold_out"
            )
        return Mixture(group, tuple(train), dev, method.dev_name(self.source, group), account)

    def _everything(self, group: tuple[str, ...]) -> list[_Part]:
        """Return what can be mixed in whole, or judge: source gold, translations, target gold."""
        gold = self._sentences(self.source, "train")
        parts = [_Part("source", self.source, gold, self._sentences(self.source, "dev"))]
        for target in group:
            parts.append(self._part("translated", target, "translated_train", "translated_dev"))
            parts.append(self._part("target", target, "train", "dev"))
        return [self._without_originals(parts), *parts[1:]]

    def _without_originals(self, parts: Sequence[_Part]) -> _Part:
        """Return the source part without the originals of translations that were held out: they would be seen in
        training, with their labels.
        """
        held = {
            sentence.id
            for part in parts
            if part.name == "translated" and (part.language, "translated_dev") not in self.corpora
            for sentence in part.dev
        }
        if not held:
            return parts[0]
        kept = tuple(sentence for sentence in parts[0].train if sentence.id not in held)
        return replace(parts[0], train=kept)

    def _sentences(self, language: str, split: str) -> tuple[Sentence, ...]:
        corpus = self.corpora.get((language, split))
        return corpus.sentences if corpus else ()

    def _part(self, name: str, language: str, train: str, dev: str) -> _Part:
        """Return a part with its dev set, which is held out of the training sentences where there is none."""
        corpus, judge = self.corpora.get((language, train)), self._sentences(language, dev)
        if corpus is None or name not in self.method.train:
            return _Part(name, language, (), judge)
        if name in self.method.dev_parts and not judge and self.method.hold_out:
            rest, held = self.splitting.hold_out(corpus, self.method.hold_out, dev, lambda sentence: sentence.id)
            return _Part(name, language, rest.sentences, held.sentences)
        return _Part(name, language, corpus.sentences, judge)

    def _has_synthetic(self, target: str) -> bool:
        return "synthetic" in self.method.train and (target, "synthetic") in self.corpora

    def _synthetic(self, target: str) -> _Part:
        """Return the synthetic sentences of a language that the ratio asks for, and the held-out ones.

        :raises ConfigError: there are not as many.
        """
        method, corpus = self.method, self.corpora[(target, "synthetic")]
        available = len(corpus)
        held_out = self._sentences(target, "synthetic_dev")
        wanted = available
        if method.size is not None:
            wanted = method.size
        elif method.ratio is not None:
            wanted = round(method.ratio * len(self.corpora[(self.source, "train")]))
        if wanted > available:
            if method.shortfall == "stop":
                asked = f"method.size={method.size}" if method.size is not None else f"method.ratio={method.ratio:g}"
                held = f", {len(held_out)} more are held out to judge by (method.hold_out)" if held_out else ""
                raise ConfigError(
                    f"{asked} asks for {wanted} synthetic sentences in {target!r}, the corpus has {available}{held}; "
                    "use a smaller one, generate more, or set method.shortfall=use_all"
                )
            self.account[f"synthetic_asked/{target}"] = wanted
            wanted = available
        drawn = self.splitting.subset(corpus, available, self.splitting.seed).sentences[:wanted]
        return _Part("synthetic", target, drawn, held_out)

    def _order(self, train: Sequence[Sentence]) -> list[Sentence]:
        """Return sentences in a seeded order that is nested: what a smaller draw has, a larger one has too."""
        whole = Corpus("mixture", "train", self.source, tuple(train), tuple({s.label for t in train for s in t.spans}))
        return list(self.splitting.subset(whole, len(train), self.splitting.seed).sentences)

    def _without(self, parts: Sequence[_Part], count: int) -> list[_Part]:
        """Return the parts less as many sentences as synthetic ones come in their place; dev sets shrink alike."""
        train = [sentence for part in parts if part.name in self.method.train for sentence in part.train]
        if count > len(train):
            raise ConfigError(
                f"method.fill=replace: {count} synthetic sentences cannot replace {len(train)} others; use a smaller "
                "ratio or size, or fewer target languages in one model"
            )
        kept = {id(sentence) for sentence in self._order(train)[count:]}
        self.account["replaced"] = count
        fewer = []
        for part in parts:
            left = tuple(sentence for sentence in part.train if id(sentence) in kept)
            judges = (
                len(part.dev)
                if self.method.dev != "auto" or not part.train
                else -(-len(part.dev) * len(left) // len(part.train))
            )
            fewer.append(replace(part, train=left, dev=part.dev[:judges]))
        return fewer

    def _again(self, train: list[Sentence], count: int) -> list[Sentence]:
        """Return further copies of the sentences, in place of synthetic ones: all of them, and some once more."""
        self.account["repeated"] = count
        passes, rest = divmod(count, max(1, len(train)))
        return train * passes + self._order(train)[:rest]

    def _dev(self, base: Sequence[_Part], synthetic: Sequence[_Part]) -> tuple[Sentence, ...]:
        """Return a dev set composed as the mixture: of synthetic sentences as many to the others as are trained on."""
        parts = self.method.dev_parts
        chosen = [part for part in base if part.name in parts]
        judges = [(part, part.dev) for part in chosen]
        beside = next((part for part in chosen if part.train and part.dev), None)
        for part in synthetic if "synthetic" in parts else ():
            count = len(part.dev)
            if beside is not None:
                count = min(count, max(1, round(len(part.train) * len(beside.dev) / len(beside.train))))
            judges.append((part, part.dev[:count]))
        self.account.update({f"dev/{part.name}/{part.language}": len(dev) for part, dev in judges if dev})
        return tuple(sentence for _, dev in judges for sentence in dev)
