"""From the settings of a translator to the translator."""

from pathlib import Path

from harness.config import TranslatorCard
from harness.transfer.translate.contract import Translator
from harness.values.errors import DataError


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
