"""The contract of all translators, and what is done around each: repeated and empty texts, the cache, the account.

A translator takes texts of one language and gives their translations, in the same order and number. Batches are formed
from all texts, those of like length together, and each is kept as soon as it is done: a killed translation goes on
where it was, with the same batches, so the result is that of an undisturbed run.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from harness.config import TranslatorCard
from harness.machine.locks import file_lock
from harness.machine.progress import progress_bar
from harness.machine.store import DiskRows, MemoryRows, Rows, cache_key
from harness.values.errors import DataError, HarnessError

logger = logging.getLogger(__name__)


class Translation(NamedTuple):
    """One translation.

    :param text: one line, never ``None``; empty where the source is.
    :param note: empty, or what to count: ``cut`` (the longest length was reached), ``parts`` (the text was too long
        for the model and was translated in parts), ``empty_answer``.
    """

    text: str
    note: str = ""


class PartlyAnswered(HarnessError):
    """A translator failed in the middle of a batch.

    :ivar done: text → translation of those that came before: they may be paid for.
    """

    def __init__(self, message: str, done: Mapping[str, Translation]) -> None:
        super().__init__(message)
        self.done = done


class Translator(Protocol):
    """What every engine offers, opened for one language pair."""

    @property
    def identity(self) -> Mapping[str, object]:
        """What the translations depend on besides the text; enters the key of the cache."""

    @property
    def batch_size(self) -> int:
        """Texts per call."""

    @property
    def by_text(self) -> bool:
        """Whether a text's translation does not depend on the batch it is in; then none is ever asked for twice."""

    def translate(self, texts: Sequence[str]) -> list[Translation]:
        """Translate texts that are not empty, in order."""


def translate_texts(
    translator: Translator, texts: Sequence[str], *, keep: bool = True, rows: Rows | None = None
) -> tuple[list[str], dict[str, int]]:
    """Translate texts; an empty text stays empty, a repeated one is translated once.

    Two processes that translate with the same engine and the same rows take turns, batch by batch, and each looks first
    what the other has got: nothing is paid for twice.

    :param keep: store translations and read them again; off for restricted corpora.
    :param rows: where to keep them instead of the shared cache.
    :returns: the translations in the same order and number, and what to count (see :class:`Translation`).
    :raises DataError: the engine answered another number of texts.
    """
    rows = rows or (DiskRows("translations") if keep else MemoryRows())
    flat = [" ".join(text.split()) for text in texts]
    distinct = sorted({text for text in flat if text}, key=lambda text: (-len(text), text))
    identity = dict(translator.identity)
    keys = dict(
        zip(
            distinct,
            (cache_key("translation", translator=identity, text=t) for t in distinct),
            strict=True,
        )
    )
    known = rows.get(list(keys.values()))
    size = translator.batch_size
    asked = [text for text in distinct if keys[text] not in known] if translator.by_text else distinct
    batches = [asked[start : start + size] for start in range(0, len(asked), size)]
    left = [batch for batch in batches if any(keys[text] not in known for text in batch)]
    if left:
        logger.info("translating %d of %d texts", sum(map(len, left)), len(distinct))
    with progress_bar("translating", len(left)) as advance:
        for batch in left:
            with _turn(rows, identity):
                known |= rows.get([keys[text] for text in batch if keys[text] not in known])
                known |= _ask(translator, batch, keys, known, rows)
            advance()
    notes: Counter[str] = Counter()
    found = []
    for text in flat:
        translation, note = json.loads(known[keys[text]]) if text else ("", "")
        found.append(translation)
        if note:
            notes[note] += 1
        elif text and not translation:
            notes["empty_answer"] += 1
    return found, dict(notes)


def _ask(
    translator: Translator, batch: Sequence[str], keys: Mapping[str, str], known: Mapping[str, str], rows: Rows
) -> dict[str, str]:
    """Translate what is still unknown of a batch, keep it, and return it.

    :raises DataError: the engine answered another number of texts.
    """
    missing = [text for text in batch if keys[text] not in known]
    if not missing:
        return {}
    # A network gets the whole batch even where some of it is known: padding is part of what it computes.
    asked = missing if translator.by_text else batch
    try:
        answers = translator.translate(asked)
    except PartlyAnswered as error:
        rows.put({keys[text]: _kept(one) for text, one in error.done.items() if one.text.strip()})
        advice = (
            "what is translated is kept, repeat the command to go on" if isinstance(rows, DiskRows)
            else "nothing is kept of a restricted text, the command begins anew"
        )  # fmt: skip
        raise HarnessError(f"{error}; {advice}") from error
    if len(answers) != len(asked):
        raise DataError(f"the translator answered {len(answers)} of {len(asked)} texts")
    made = {keys[text]: _kept(answer) for text, answer in zip(asked, answers, strict=True)}
    # An empty answer is not kept: the next run asks again.
    rows.put({keys[text]: made[keys[text]] for text, one in zip(asked, answers, strict=True) if one.text.strip()})
    # What is stored stays, so that a repeated command gives the same.
    return {key: value for key, value in made.items() if key not in known}


def _kept(answer: Translation) -> str:
    return json.dumps([" ".join(answer.text.split()), answer.note], ensure_ascii=False)


@contextmanager
def _turn(rows: Rows, identity: Mapping[str, object]) -> Iterator[None]:
    """Hold an engine for one batch, where its results are shared with other processes."""
    if not isinstance(rows, DiskRows):
        yield
        return
    name = f".{rows.path.stem}-{cache_key('turn', translator=identity)}.lock"
    with file_lock(rows.path.with_name(name), "another command that translates with the same engine"):
        yield


def open_translator(card: TranslatorCard, source: str, target: str, folder: Path) -> Translator:
    """Return the engine a card names, for one direction.

    :param source, target: BCP-47 tags.
    :raises UsageError: the engine does not know the pair.
    :raises DependencyError: a package or program is missing; the message holds the command.
    """
    if card.kind == "apertium":
        from harness.transfer.translate.apertium import ApertiumTranslator

        return ApertiumTranslator(card, source, target)
    if card.kind == "seq2seq":
        from harness.transfer.translate.seq2seq import Seq2SeqTranslator

        return Seq2SeqTranslator(card, source, target, folder)
    if card.kind == "ctranslate2":
        from harness.transfer.translate.ctranslate import CTranslate2Translator

        return CTranslate2Translator(card, source, target, folder)
    if card.kind == "chat":
        from harness.transfer.translate.chat import ChatTranslator

        return ChatTranslator(card, source, target)
    if card.kind == "file" and card.path:
        from harness.transfer.translate.file import FileTranslator

        return FileTranslator(card, source, target, folder)
    raise DataError(
        f"translator {card.name!r} has no translations of its own; give translator.path=FILE "
        "(source TAB target, line by line), or choose apertium, opus-mt, nllb-600m, chat …"
    )
