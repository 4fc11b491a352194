"""From a prompt or from anybody's raw answers to a synthetic corpus with its quality card: ``harness synthesize``."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.answers.files import ParsedAnswers, parse_answers, read_answers
from harness.answers.items import Legend
from harness.answers.parse import REPAIRS, Rejected
from harness.config import Config, DataCard
from harness.config.synthesis import FilterSettings, SynthesisCard
from harness.corpora.catalogue import load_corpora
from harness.corpora.readers.jsonl import read_jsonl
from harness.machine.files import atomic_path, write_text
from harness.machine.locks import file_lock
from harness.machine.provenance import file_digest
from harness.synthesis.answers import AnswerStore, usage_of
from harness.synthesis.batch import collect_batch, write_batch
from harness.synthesis.card import card_path, card_warnings, quality_card, read_card
from harness.synthesis.client import Outcome, ask_all
from harness.synthesis.engines import open_engine
from harness.synthesis.filters import Filtered, References, filter_sentences
from harness.synthesis.prompts import Call, calls
from harness.values import interchange
from harness.values.account import Account
from harness.values.errors import ConfigError, DataError, HarnessError, UsageError, listing
from harness.values.records import Sentence

SAMPLES = 12
"""Sentences shown on the quality page."""


Render = Callable[[dict[str, Any], str, list[tuple[str, list[dict[str, Any]]]]], str]
"""Quality card, title and sample sentences → page."""


@dataclass(frozen=True)
class Made:
    """A corpus as written."""

    sentences: list[Sentence]
    account: Account
    card: dict[str, Any]


@dataclass(frozen=True)
class Surroundings:
    """What the corpus is compared with.

    :param protected: texts that must not come back.
    :param source_labels: entities per label in the source's training set.
    :param examples: the source's training sentences.
    """

    protected: tuple[str, ...] = ()
    source_labels: Mapping[str, int] | None = None
    examples: tuple[Sentence, ...] = ()


def surroundings(card: DataCard, folder: Path, language: str) -> Surroundings:
    """Read what a card has: source train, and the target's dev and test sets."""
    wanted = []
    source = card.source.language
    if card.source.train:
        wanted.append((source, "train"))
    # de-AT is written for a card that tests on de: what must not leak is the same.
    near = [tag for tag in card.targets if tag.partition("-")[0] == language.partition("-")[0]]
    wanted += [(tag, split) for tag in near for split in ("dev", "test") if getattr(card.targets[tag], split)]
    if not wanted:
        return Surroundings()
    corpora = load_corpora(card, folder, wanted).corpora
    protected = tuple(
        sentence.text for key, corpus in corpora.items() if key[0] in near for sentence in corpus.sentences
    )
    train = corpora.get((source, "train"))
    return Surroundings(protected, dict(train.label_counts) if train else None, train.sentences if train else ())


@dataclass(frozen=True)
class Job:
    """A corpus to be made of raw answers.

    :param filters: which sentences are dropped; nothing runs none and says so on the card.
    :param around: what the corpus is compared with.
    :param origin: model, prompt and its version, raw file.
    :param cost: tokens and money.
    :param seed: of the choice among sentences without entities.
    :param restricted: the corpus it is made for is; then the card names no surface, and its page shows no sentence.
    """

    language: str
    output: Path
    filters: FilterSettings | None
    rejects: Path | None = None
    around: Surroundings = field(default_factory=Surroundings)
    origin: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    restricted: bool = False


def make_corpus(parsed: ParsedAnswers, legend: Legend, job: Job, agreement: Mapping[str, float] | None = None) -> Made:
    """Filter parsed answers, and write corpus, rejects and quality card.

    :param agreement: sentence id → entity F1 with a recogniser.
    """
    account, kept = parsed.account, parsed.sentences
    filtered: Filtered | None = None
    if job.filters is not None:
        references = References(job.around.protected, agreement, parsed.illegal)
        filtered = filter_sentences(parsed.sentences, job.filters, references, seed=job.seed)
        kept = filtered.kept
        account.update({f"filtered/{reason}": count for reason, count in filtered.counts.items()})
        account.update({f"notes/{note}": count for note, count in filtered.notes.items()})
    account["kept"] = len(kept)
    if job.rejects is not None:
        write_rejects(job.rejects, parsed.rejected, filtered)
    card = _card(kept, account, legend, job, agreement)
    if kept:
        write_text(job.output, interchange.as_lines(kept))
        card["sha256"] = file_digest(job.output)
        write_text(card_path(job.output), json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    return Made(kept, account, card)


def _card(
    kept: list[Sentence], account: Account, legend: Legend, job: Job, agreement: Mapping[str, float] | None
) -> dict[str, Any]:
    mapped = (legend.label_map.get(label, label) for label in legend.labels)
    mean = sum(agreement[sentence.id] for sentence in kept) / len(kept) if agreement and kept else None
    facts = {
        "filters": job.filters.model_dump(mode="json") if job.filters else None,
        "origin": dict(job.origin),
        "cost": dict(job.cost),
        "agreement": mean,
    }
    labels = list(dict.fromkeys(label for label in mapped if label))
    card = quality_card(
        kept, account, language=job.language, labels=labels, source=job.around.source_labels, facts=facts
    )
    if job.restricted:
        card["restricted"] = True
        card["diversity"]["top_entities"] = []
    return card


@dataclass(frozen=True)
class RawAnswers:
    """Anybody's raw answers.

    :param field_path: where the text of an answer is in its JSON object.
    :param repairs: names of repairs to apply.
    :param predictions: a recogniser's predictions on the unfiltered corpus, for the filter ``agreement``.
    """

    path: Path
    field_path: str = "text"
    repairs: tuple[str, ...] = ()
    predictions: Path | None = None


def import_file(raw: RawAnswers, legend: Legend, job: Job) -> Made:
    """Import anybody's raw answers; see :func:`make_corpus`.

    :raises UsageError: a repair is unknown, a file would be overwritten, or predictions are missing.
    """
    unknown = [name for name in raw.repairs if name not in REPAIRS]
    if unknown:
        raise UsageError(f"--repair {unknown[0]!r} is unknown; allowed: {listing(REPAIRS)}")
    places = [path.resolve() for path in (raw.path, job.output, job.rejects) if path is not None]
    if len(set(places)) < len(places):
        raise UsageError(f"{job.output} or the rejects would overwrite {raw.path} or one another; choose other names")
    if job.filters is not None and job.filters.agreement is not None and raw.predictions is None:
        raise UsageError("--filter agreement needs --predictions: a recogniser's output on this corpus")
    parsed = parse_answers(read_answers(raw.path, raw.field_path), legend, job.language, repairs=raw.repairs)
    agreement = agreements(raw.predictions, parsed.sentences, job.language) if raw.predictions else None
    origin = {"raw answers": raw.path.name, "sha256": file_digest(raw.path), "field": raw.field_path}
    return make_corpus(parsed, legend, replace(job, origin=origin), agreement)


def legend_of(config: Config | None, *, tag_legend: str | None, labels: str | None, dropped: Sequence[str]) -> Legend:
    """Return what the labels of raw answers mean.

    :param config: a data card gives labels and their map.
    :param tag_legend: what integer tags mean, by comma.
    :param labels: allowed labels, by comma.
    :param dropped: labels whose entities are left out.
    :raises UsageError: nobody says which labels there are.
    """
    label_map: dict[str, str | None] = dict(config.data.label_map) if config else {}
    label_map |= dict.fromkeys(dropped)
    known = tuple(labels.split(",")) if labels else config.data.labels if config else ()
    if tag_legend:
        return Legend.of_tags([tag.strip() for tag in tag_legend.split(",")], label_map)
    if known:
        return Legend(known, None, label_map)
    raise UsageError("which labels? give --tag-legend (integer tags), --labels, or --data")


def filter_overrides(filters: Sequence[str]) -> list[str] | None:
    """Return ``--filter NAME=VALUE`` as overrides of the configuration; nothing where ``none`` switches all off.

    :raises UsageError: one is not of this form.
    """
    if "none" in filters:
        return None
    wrong = [text for text in filters if "=" not in text]
    if wrong:
        raise UsageError(f"--filter {wrong[0]!r}: write NAME=VALUE, for example near_duplicates=0.9, or none")
    return [f"synthesis.filters.{text}" for text in filters]


def planned_calls(config: Config, language: str, number: int, around: Surroundings) -> list[Call]:
    """Return the calls of a generation.

    :raises ConfigError: the corpus is restricted and its sentences would be sent to another machine; or see
        :func:`harness.synthesis.prompts.calls`.
    """
    card = config.synthesis
    if config.data.restricted and card.source_examples and card.leaves_machine:
        raise ConfigError(
            f"synthesis.source_examples={card.source_examples} would send sentences of {config.data.name}, which is "
            "restricted, to another machine; set it to 0, or use a server on this machine"
        )
    return calls(
        card, language, config.data.labels, number=number, seed=config.seed,
        examples=around.examples if card.source_examples else (), forbidden=around.protected,
    )  # fmt: skip


def generate(
    config: Config, language: str, number: int, output: Path, *, collected: Path | None = None, filtered: bool = True
) -> tuple[Made, Outcome]:
    """Ask for every answer that is missing, then parse, filter and write.

    :param collected: a batch API's output to take answers from, instead of asking.
    :param filtered: run the filters of ``synthesis.filters``.
    :raises HarnessError: no sentence is left; the answers stay where they are.
    """
    card = config.synthesis
    around = surroundings(config.data, config.data_folder or Path.cwd(), language)
    wanted = planned_calls(config, language, number, around)
    answers = answers_path(output)
    with file_lock(answers, f"another generation that writes {answers}"):  # or both would pay for the same answers
        store = AnswerStore(answers)
        outcome = _asked(card, wanted, store, collected, number)
    keys = [call.key for call in wanted if call.key in store.answers]
    used = [store.answers[key] for key in dict.fromkeys(keys)]
    origin = {
        "prompt": f"{card.name} version {card.version}", "model": ", ".join(sorted({answer.model for answer in used})),
        "temperature": card.temperature, "seed": config.seed, "calls planned": number, "calls failed": outcome.failed,
        "answers cut off": sum(answer.finish == "length" for answer in used),
    }  # fmt: skip
    protected = (*around.protected, *(example.text for example in card.examples))
    if card.source_examples:
        protected = (*protected, *(sentence.text for sentence in around.examples))
    job = Job(
        language,
        output,
        card.filters if filtered else FilterSettings.off(),
        rejects=output.with_suffix(".rejects.jsonl"),
        around=Surroundings(protected, around.source_labels),
        origin=origin,
        cost=usage_of(used, card),
        seed=config.seed,
        restricted=config.data.restricted,
    )
    legend = Legend(config.data.labels)
    texts = [(key, store.answers[key].text) for key in keys]
    return make_corpus(parse_answers(texts, legend, language), legend, job), outcome


def _asked(
    card: SynthesisCard, wanted: Sequence[Call], store: AnswerStore, collected: Path | None, number: int
) -> Outcome:
    """Ask for the answers that are missing, or take them from a batch API's output.

    :raises ConfigError: the batch was written with other settings.
    """
    if collected is not None:
        counts = collect_batch(collected, store)
        strange = len(store.answers.keys() - {call.key for call in wanted})
        if counts["collected"] and strange:
            raise ConfigError(
                f"{strange} answers of {collected} belong to other calls than these {number}; give --calls and the "
                "settings with which the batch was written (the answers are kept)"
            )
        return Outcome(asked=counts["collected"], known=counts["known"], failed=counts["failed"])
    return ask_all(open_engine(card), wanted, store, card)


def answers_path(output: Path) -> Path:
    """Return where the raw answers of a generation stand: ``sv.jsonl`` → ``sv.answers.jsonl``."""
    return output.with_suffix(".answers.jsonl")


def batch_requests(config: Config, language: str, number: int, output: Path, path: Path) -> int:
    """Write the calls without an answer as a batch file, and return how many.

    :raises ConfigError: the corpus is restricted and its sentences would stand in the file, which is made to be sent.
    """
    if config.data.restricted and config.synthesis.source_examples:
        raise ConfigError(
            f"a batch file with sentences of {config.data.name}, which is restricted, would leave this machine; "
            "set synthesis.source_examples=0"
        )
    around = surroundings(config.data, config.data_folder or Path.cwd(), language)
    store = AnswerStore(answers_path(output), read_only=True)
    missing = [call for call in planned_calls(config, language, number, around) if call.key not in store.answers]
    return write_batch(path, missing, config.synthesis)


def page_of(corpus: Path, render: Render, *, samples: bool = True) -> tuple[str, dict[str, Any]]:
    """Return the quality page of a corpus and its card, with warnings.

    :param render: makes the page.
    :raises DataError: it has no card, a damaged one, or the file changed since its card was written.
    """
    card = read_card(corpus)
    shown: list[tuple[str, list[dict[str, Any]]]] = []
    if samples and not card.get("restricted") and corpus.is_file() and not corpus.name.endswith(".card.json"):
        if card.get("sha256") and file_digest(corpus) != card["sha256"]:
            raise HarnessError(f"{corpus} changed since its quality card was written; make both anew")
        lines = corpus.read_text(encoding="utf-8").rstrip("\n").split("\n")
        for line in random.Random(0).sample(lines, min(SAMPLES, len(lines))):  # noqa: S311 - a sample
            for sentence in interchange.from_lines(line):
                shown.append((sentence.text, interchange.spans_as_objects(sentence.spans)))
    try:
        card["warnings"] = card_warnings(card)
        return render(card, f"Synthetic corpus {corpus.name}", shown), card
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"the quality card of {corpus} holds something else than harness writes ({type(error).__name__}: "
            f"{error}); make it "
            "anew with harness synthesize import"
        ) from error


def agreements(predictions: Path, sentences: Sequence[Sentence], language: str) -> dict[str, float]:
    """Return each sentence's entity F1 with a recogniser's predictions (``harness predict`` on the unfiltered corpus).

    :param predictions: JSON lines of spans with ids and texts of the corpus as imported with ``--filter none``.
    :raises DataError: a sentence has no prediction, or another text.
    """
    predicted = {sentence.id: sentence for sentence in read_jsonl(predictions, language).sentences}
    missing = [
        sentence.id
        for sentence in sentences
        if sentence.id not in predicted or predicted[sentence.id].text != sentence.text
    ]
    if missing:
        raise DataError(
            f"{predictions}: {len(missing)} of {len(sentences)} sentences have no prediction on the same text, first "
            f"{missing[0]}; import with --filter none and the same --repair, and predict on that file"
        )
    scores = {}
    for sentence in sentences:
        gold, spans = set(sentence.spans), set(predicted[sentence.id].spans)
        scores[sentence.id] = 2 * len(gold & spans) / (len(gold) + len(spans)) if gold or spans else 1.0
    return scores


def write_rejects(path: Path, rejected: Sequence[tuple[str, Rejected]], filtered: Filtered | None) -> None:
    """Write what was not kept, with its reason: one JSON line an item."""
    with atomic_path(path) as scratch, scratch.open("w", encoding="utf-8", newline="\n") as file:
        for answer, rejected_item in rejected:
            line = {"answer": answer, "stage": "parse", "reason": rejected_item.reason, "item": rejected_item.raw}
            file.write(_plain(line) + "\n")
        for reason, sentences in (filtered.dropped if filtered else {}).items():
            for sentence in sentences:
                spans = interchange.spans_as_objects(sentence.spans)
                item = {"id": sentence.id, "text": sentence.text, "spans": spans}
                file.write(_plain({"stage": "filter", "reason": reason, "item": item}) + "\n")


def _plain(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace").decode("utf-8")
