"""From a prompt or from anybody's raw answers to a synthetic corpus with its quality card: ``harness synthesize``."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.answers.files import parse_answers, read_answers
from harness.answers.items import Legend
from harness.answers.parse import Rejected
from harness.config import Config, DataCard
from harness.config.synthesis import FilterSettings, SynthesisCard
from harness.corpora.catalogue import load_corpora
from harness.machine.files import atomic_path, write_text
from harness.machine.locks import file_lock
from harness.machine.provenance import file_digest
from harness.synthesis.answers import AnswerStore, usage_of
from harness.synthesis.batch import collect_batch, write_batch
from harness.synthesis.card import card_path, card_warnings, quality_card, read_card
from harness.synthesis.client import Outcome, ask_all
from harness.synthesis.engines import open_engine
from harness.synthesis.filters import Filtered, filter_sentences
from harness.synthesis.prompts import Call, calls
from harness.values import interchange
from harness.values.account import Account
from harness.values.errors import ConfigError, DataError, HarnessError
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


def import_answers(
    answers: Sequence[tuple[str, str]],
    legend: Legend,
    language: str,
    output: Path,
    *,
    settings: FilterSettings | None,
    rejects: Path | None = None,
    repairs: Sequence[str] = (),
    around: Surroundings | None = None,
    origin: Mapping[str, Any] | None = None,
    cost: Mapping[str, float] | None = None,
    predictions: Mapping[str, float] | None = None,
    seed: int = 0,
    restricted: bool = False,
) -> Made:
    """Parse and filter raw answers, and write corpus, rejects and quality card.

    :param settings: the filters; ``None`` runs none.
    :param restricted: the corpus it was made for is; then the card names no surface, and its page shows no sentence.
    """
    around = around or Surroundings()
    parsed = parse_answers(answers, legend, language, repairs=repairs)
    account = parsed.account
    filtered: Filtered | None = None
    kept = parsed.sentences
    if settings is not None:
        filtered = filter_sentences(
            parsed.sentences,
            settings,
            protected=around.protected,
            predictions=predictions,
            illegal=parsed.illegal,
            seed=seed,
        )
        kept = filtered.kept
        account.update({f"filtered/{reason}": count for reason, count in filtered.counts.items()})
        account.update({f"notes/{note}": count for note, count in filtered.notes.items()})
    account["kept"] = len(kept)
    if rejects is not None:
        write_rejects(rejects, parsed.rejected, filtered)
    mapped = (legend.label_map.get(one, one) for one in legend.labels)
    shown = list(dict.fromkeys(one for one in mapped if one))
    agreement = sum(predictions[one.id] for one in kept) / len(kept) if predictions and kept else None
    card = quality_card(
        kept, account, language=language, labels=shown,
        settings=settings, source=around.source_labels, origin=origin, cost=cost, agreement=agreement,
    )  # fmt: skip
    if restricted:
        card["restricted"] = True
        card["diversity"]["top_entities"] = []
    if kept:
        write_text(output, interchange.as_lines(kept))
        card["sha256"] = file_digest(output)
        write_text(card_path(output), json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    return Made(kept, account, card)


def import_file(path: Path, field_path: str, legend: Legend, language: str, output: Path, **options: Any) -> Made:
    """Import anybody's raw answers; see :func:`import_answers`."""
    origin = {"raw answers": path.name, "sha256": file_digest(path) if path.is_file() else "", "field": field_path}
    return import_answers(read_answers(path, field_path), legend, language, output, origin=origin, **options)


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
    config: Config,
    language: str,
    number: int,
    output: Path,
    *,
    settings: FilterSettings,
    collected: Path | None = None,
) -> tuple[Made, Outcome]:
    """Ask for every answer that is missing, then parse, filter and write.

    :param collected: a batch API's output to take answers from, instead of asking.
    :raises HarnessError: no sentence is left; the answers stay where they are.
    """
    card = config.synthesis
    around = surroundings(config.data, config.data_folder or Path.cwd(), language)
    wanted = planned_calls(config, language, number, around)
    answers = answers_path(output)
    with file_lock(answers, f"another generation that writes {answers}"):  # or both would pay for the same answers
        store = AnswerStore(answers)
        outcome = _asked(card, wanted, store, collected, number)
    keys = {call.key for call in wanted}
    listed = [(key, store.answers[key].text) for key in (call.key for call in wanted) if key in store.answers]
    used = [answer for key, answer in store.answers.items() if key in keys]
    origin = {
        "prompt": f"{card.name} version {card.version}", "model": ", ".join(sorted({answer.model for answer in used})),
        "temperature": card.temperature, "seed": config.seed, "calls planned": number, "calls failed": outcome.failed,
        "answers cut off": sum(answer.finish == "length" for answer in used),
    }  # fmt: skip
    protected = (*around.protected, *(example.text for example in card.examples))
    if card.source_examples:
        protected = (*protected, *(sentence.text for sentence in around.examples))
    made = import_answers(
        listed, Legend(config.data.labels), language, output, settings=settings, seed=config.seed,
        rejects=output.with_suffix(".rejects.jsonl"), origin=origin, cost=usage_of(used, card),
        around=Surroundings(protected, around.source_labels), restricted=config.data.restricted,
    )  # fmt: skip
    return made, outcome


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


def agreements(
    predictions: Path, raw: Path, field_path: str, legend: Legend, language: str, repairs: Sequence[str] = ()
) -> dict[str, float]:
    """Return each sentence's entity F1 with a recogniser's predictions (``harness predict`` on the unfiltered corpus).

    :param predictions: JSON lines of spans with ids and texts of the corpus as imported with ``--filter none``.
    :raises DataError: a sentence has no prediction, or another text.
    """
    from harness.corpora.readers.jsonl import read_jsonl

    predicted = {sentence.id: sentence for sentence in read_jsonl(predictions, language).sentences}
    sentences = parse_answers(read_answers(raw, field_path), legend, language, repairs=repairs).sentences
    found = {}
    missing = [one.id for one in sentences if one.id not in predicted or predicted[one.id].text != one.text]
    if missing:
        raise DataError(
            f"{predictions}: {len(missing)} of {len(sentences)} sentences have no prediction on the same text, first "
            f"{missing[0]}; import with --filter none and the same --repair, and predict on that file"
        )
    for sentence in sentences:
        own, other = set(sentence.spans), set(predicted[sentence.id].spans)
        found[sentence.id] = 2 * len(own & other) / (len(own) + len(other)) if own or other else 1.0
    return found


def write_rejects(path: Path, rejected: Sequence[tuple[str, Rejected]], filtered: Filtered | None) -> None:
    """Write what was not kept, with its reason: one JSON line an item."""
    with atomic_path(path) as scratch, scratch.open("w", encoding="utf-8", newline="\n") as file:
        for answer, one in rejected:
            line = {"answer": answer, "stage": "parse", "reason": one.reason, "item": one.raw}
            file.write(_plain(line) + "\n")
        for reason, sentences in (filtered.dropped if filtered else {}).items():
            for sentence in sentences:
                spans = interchange.spans_as_objects(sentence.spans)
                item = {"id": sentence.id, "text": sentence.text, "spans": spans}
                file.write(_plain({"stage": "filter", "reason": reason, "item": item}) + "\n")


def _plain(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text.encode("utf-8", "replace").decode("utf-8")
