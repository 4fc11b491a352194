"""Scoring a recogniser on its corpora, against their full gold. Knows recognisers and nothing of how they were made."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.evaluation.measures import mean_over_languages, measures
from harness.evaluation.significance import bootstrap_interval
from harness.evaluation.spans import Counts, count_spans
from harness.experiment.prepare import Prepared
from harness.experiment.rounds import Round
from harness.model.recogniser import Predictions, Recogniser, ThroughTranslation
from harness.model.trained import TrainedTagger
from harness.values import names
from harness.values.records import Corpus, CorpusKey, Sentence

logger = logging.getLogger(__name__)

UNREACHABLE_SHARE = 0.01
"""Share of entities out of an encoder's reach from which the log says so: below it no method's rank can turn."""


@dataclass(frozen=True)
class ScoredCorpus:
    """The predictions on a corpus, the counts of each sentence, and the measures of all."""

    corpus: Corpus
    predictions: Predictions
    measures: dict[str, float]
    counts: Counts


@dataclass(frozen=True)
class ScoredRound:
    """All scores of one recogniser.

    :param dev: measures of the dev set of the mixture, as training has them.
    :param judge: the same dev set with its counts.
    :param proxies: label-free development sets, source dev among them where it is not the mixture's.
    :param unreachable: (language, split) → entities that the encoder cannot express, all entities.
    """

    round: Round
    dev: dict[str, float]
    judge: ScoredCorpus
    corpora: list[ScoredCorpus] = field(default_factory=list)
    proxies: list[ScoredCorpus] = field(default_factory=list)
    unreachable: dict[CorpusKey, tuple[int, int]] = field(default_factory=dict)


def score_round(prepared: Prepared, round_: Round) -> ScoredRound:
    """Score a trained model on all its corpora."""
    mixture, config = round_.mixture, prepared.config
    dev = Corpus(
        config.data.name, "dev", mixture.dev_name, mixture.dev, config.data.labels, restricted=config.data.restricted
    )
    judge = score_corpus(round_.trained.tagger, dev, seed=config.seed)
    scored = ScoredRound(round_, round_.trained.training.selected, judge)
    tests = prepared.tests(mixture)
    tagged = [corpus for corpus in tests if not prepared.route(corpus)]
    splits = [("train", round_.mixture.train), ("dev", round_.mixture.dev)]
    splits += [(corpus.split, corpus.sentences) for corpus in tagged]
    scored.unreachable.update(count_unreachable(round_.trained.tagger, splits))
    for corpus in tests:
        route = prepared.route(corpus)
        recogniser = ThroughTranslation(round_.trained.tagger, route) if route else round_.trained.tagger
        scored.corpora.append(score_corpus(recogniser, corpus, seed=prepared.config.seed))
    for proxy in prepared.judges(round_.mixture):
        tagger = round_.trained.tagger
        recogniser = ThroughTranslation(tagger, proxy.route) if proxy.route else tagger
        scored.proxies.append(score_corpus(recogniser, proxy.corpus, seed=prepared.config.seed))
    return scored


def score_corpus(recogniser: Recogniser, corpus: Corpus, *, seed: int) -> ScoredCorpus:
    """Score a recogniser on a corpus.

    :param seed: of the bootstrap interval.
    """
    started = time.perf_counter()
    predictions = recogniser.predict(corpus.sentences)
    seconds = time.perf_counter() - started
    counts = count_spans([sentence.spans for sentence in corpus.sentences], predictions.spans, corpus.labels)
    values = measures(counts, corpus.labels)
    interval = bootstrap_interval(counts, "entity_f1", seed=seed)
    values |= {"entity_f1_low": interval.low, "entity_f1_high": interval.high}
    values |= {name: float(count) for name, count in predictions.account.items()}
    values["predict_sentences_per_second"] = len(corpus) / seconds if seconds else 0.0
    logger.info(
        "%s %s: entity F1 %.1f, span F1 %.1f",
        corpus.split, corpus.language, 100 * values["entity_f1"], 100 * values["span_f1"],
    )  # fmt: skip
    return ScoredCorpus(corpus, predictions, values, counts)


def count_unreachable(
    tagger: TrainedTagger, splits: Sequence[tuple[str, Sequence[Sentence]]]
) -> dict[CorpusKey, tuple[int, int]]:
    """Count the entities that the encoder's words and pieces cannot express, and say so above 1 %.

    :param splits: sentences that are learned from or tagged as they are.
    :returns: (language, split) → unreachable entities, all entities.
    """
    counts: dict[CorpusKey, tuple[int, int]] = {}
    for split, sentences in splits:
        for language, (missed, spans) in tagger.unreachable(sentences).items():
            counts[(language, split)] = (missed, spans)
            if missed > UNREACHABLE_SHARE * spans:
                logger.warning(
                    "%s %s: %d of %d entities (%.1f %%) begin or end inside a piece of this encoder and cannot "
                    "be found exactly",
                    split, language, missed, spans, 100 * missed / spans,
                )  # fmt: skip
    return counts


def _merged(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean over models; a label that no gold and no prediction of a model has is left out there."""
    merged: dict[str, float] = {}
    for name in dict.fromkeys(name for value in values for name in value):
        having = [value[name] for value in values if name in value]
        merged[name] = sum(having) / len(having)
    return merged


def summarise(scored: Sequence[ScoredRound], targets: Sequence[str]) -> dict[str, float]:
    """Name the measures; the source is averaged over separate models, the mean is over target languages."""
    collected: dict[CorpusKey, list[Mapping[str, float]]] = {}
    for one_round in scored:
        collected.setdefault((one_round.round.mixture.dev_name, "dev"), []).append(one_round.dev)
        for part in one_round.corpora:
            collected.setdefault((part.corpus.language, part.corpus.split), []).append(part.measures)
        for part in one_round.proxies:
            kept = {name: part.measures[name] for name in names.PROXY_MEASURES}
            collected.setdefault((part.corpus.language, part.corpus.split), []).append(kept)
    metrics: dict[str, float] = {}
    by_split: dict[str, dict[str, dict[str, float]]] = {}
    for (language, split), values in collected.items():
        merged = _merged(values)
        metrics |= names.scores(split, language, merged)
        if language in targets:
            by_split.setdefault(split, {})[language] = merged
    for split, languages in by_split.items():
        metrics |= names.scores(split, names.MEAN, mean_over_languages(languages))
    return metrics
