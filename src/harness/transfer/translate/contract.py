"""The contract of all translators, and what is done around each: repeated and empty texts, the cache, the account.

A translator takes texts of one language and gives their translations, in the same order and number. Batches are formed
from all texts, those of like length together, and each is kept as soon as it is done: a killed translation goes on
where it was, with the same batches, so the result is that of an undisturbed run.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from harness.values.errors import HarnessError

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
