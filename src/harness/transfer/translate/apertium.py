"""Apertium (Forcada et al. 2011): rule-based translation that runs offline, in milliseconds a sentence."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import lru_cache

from harness.config import TranslatorCard
from harness.transfer.translate.contract import Translation
from harness.values.errors import DependencyError, HarnessError, UsageError, listing


class ApertiumTranslator:
    """Runs ``apertium -u MODE``: one line in, one line out, unknown words left as they are without a mark."""

    by_text = True

    def __init__(self, card: TranslatorCard, source: str, target: str) -> None:
        if not shutil.which("apertium"):
            raise DependencyError(
                "translator apertium is not installed; apt-get install apertium and the package of the pair, "
                "for example apertium-eng-spa"
            )
        self.batch_size = card.batch_size
        codes = [[card.codes[tag]] if tag in card.codes else _codes(tag) for tag in (source, target)]
        wanted = [f"{first}-{second}" for first in codes[0] for second in codes[1]]
        modes = _modes()
        self._mode = next((mode for mode in wanted if mode in modes), "")
        if not self._mode:
            raise UsageError(
                f"Apertium has no mode {' or '.join(wanted)}; installed: {listing(sorted(modes)) or 'none'}; "
                f"apt-get install apertium-{codes[0][0]}-{codes[1][0]} or apertium-{codes[1][0]}-{codes[0][0]}"
            )

    @property
    def identity(self) -> Mapping[str, object]:
        """Mode and version."""
        return {"kind": "apertium", "mode": self._mode, "version": _version()}

    def translate(self, texts: Sequence[str]) -> list[Translation]:
        """Translate lines.

        :raises HarnessError: the program failed, or answered another number of lines.
        """
        # An empty line between sentences keeps a rule from reaching over the end of one that has no full stop.
        lines = "\n\n".join(texts) + "\n"
        done = subprocess.run(
            ["apertium", "-u", self._mode], input=lines, capture_output=True, text=True, encoding="utf-8", check=False
        )
        translated = done.stdout.split("\n")[: 2 * len(texts)][::2]
        if done.returncode or len(translated) != len(texts):
            reason = (done.stderr.strip().splitlines() or [f"{len(translated)} lines for {len(texts)}"])[-1]
            raise HarnessError(f"apertium {self._mode} failed: {reason[:200]}")
        return [Translation(line.strip()) for line in translated]


def _codes(tag: str) -> list[str]:
    """Return the codes a mode may use for a language: ISO 639-3 first, then the two-letter one of older packages."""
    import langcodes

    language = langcodes.Language.get(tag)
    return list(dict.fromkeys([language.to_alpha3(), language.language or tag]))


@lru_cache(maxsize=1)
def _modes() -> frozenset[str]:
    done = subprocess.run(["apertium", "-l"], capture_output=True, text=True, check=False)
    return frozenset(line.strip() for line in done.stdout.splitlines())


@lru_cache(maxsize=1)
def _version() -> str:
    done = subprocess.run(["apertium", "-V"], capture_output=True, text=True, check=False)
    return (done.stdout.strip().splitlines() or ["unknown"])[0]
