"""Translating many texts, in batches, through the store."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from harness.machine.locks import file_lock
from harness.machine.progress import progress_bar
from harness.machine.store import DiskRows, Rows, cache_key
from harness.transfer.translate.contract import PartlyAnswered, Translation, Translator
from harness.values.account import Account
from harness.values.errors import DataError, HarnessError

logger = logging.getLogger(__name__)


def translate_texts(translator: Translator, texts: Sequence[str], rows: Rows) -> tuple[list[str], dict[str, int]]:
    """Translate texts; an empty text stays empty, a repeated one is translated once.

    Two processes that translate with the same engine and the same rows take turns, batch by batch, and each looks first
    what the other has got: nothing is paid for twice.

    :param rows: where translations are kept, and looked up first.
    :returns: the translations in the same order and number, and what to count (see :class:`Translation`).
    :raises DataError: the engine answered another number of texts.
    """
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
    notes = Account()
    translations = []
    for text in flat:
        translation, note = json.loads(known[keys[text]]) if text else ("", "")
        translations.append(translation)
        if note:
            notes[note] += 1
        elif text and not translation:
            notes["empty_answer"] += 1
    return translations, dict(notes)


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
        rows.put(
            {keys[text]: _kept(translation) for text, translation in error.done.items() if translation.text.strip()}
        )
        advice = (
            "what is translated is kept, repeat the command to go on" if isinstance(rows, DiskRows)
            else "nothing is kept of a restricted text, the command begins anew"
        )  # fmt: skip
        raise HarnessError(f"{error}; {advice}") from error
    if len(answers) != len(asked):
        raise DataError(f"the translator answered {len(answers)} of {len(asked)} texts")
    translated = {keys[text]: _kept(answer) for text, answer in zip(asked, answers, strict=True)}
    # An empty answer is not kept: the next run asks again.
    rows.put(
        {
            keys[text]: translated[keys[text]]
            for text, translation in zip(asked, answers, strict=True)
            if translation.text.strip()
        }
    )
    # What is stored stays, so that a repeated command gives the same.
    return {key: value for key, value in translated.items() if key not in known}


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
