"""Translations a user already has (a DeepL export), as a file of ``source TAB target`` lines."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.config import TranslatorCard
from harness.machine.provenance import file_digest
from harness.transfer.translate.contract import Translation
from harness.values.errors import DataError


class FileTranslator:
    """Looks sentences up; blanks are compared as one.

    :raises DataError: the file is missing or a line has no tab.
    """

    by_text = True

    batch_size = 10_000

    def __init__(self, card: TranslatorCard, source: str, target: str, folder: Path) -> None:
        path = Path(card.path or "").expanduser()
        self._path = path if path.is_absolute() else folder / path
        self._pair = f"{source}-{target}"
        try:
            lines = self._path.read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"translator.path: {self._path} cannot be read ({error})") from None
        self._known: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            text, tab, translation = line.partition("\t")
            if not tab:
                raise DataError(f"{self._path}:{number}: found no tab, expected SOURCE<tab>TRANSLATION")
            self._known.setdefault(" ".join(text.split()), translation)

    @property
    def identity(self) -> Mapping[str, object]:
        """The file's digest."""
        return {"kind": "file", "pair": self._pair, "sha256": file_digest(self._path)}

    def translate(self, texts: Sequence[str]) -> list[Translation]:
        """Look texts up.

        :raises DataError: names the first text without a translation, and how many there are.
        """
        missing = [text for text in texts if text not in self._known]
        if missing:
            # The text itself may be restricted, so its length has to do.
            raise DataError(
                f"{self._path} has no translation of {len(missing)} texts, the first of {len(missing[0])} characters; "
                "add them, with the text as it stands in the corpus"
            )
        return [Translation(self._known[text]) for text in texts]
