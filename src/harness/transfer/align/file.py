"""Links in Pharaoh format: one line a sentence pair, ``i-j`` (source-target, from 0) separated by blanks."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.config import AlignerCard
from harness.machine.provenance import file_digest
from harness.transfer.align.contract import Links, WordPair
from harness.values.errors import DataError

_LINK = re.compile(r"(\d+)[-?p](\d+)")


def read_pharaoh(path: Path) -> list[Links]:
    """Read a file of links; a possible link (``i?j`` or ``ipj``) has weight 0.5, a sure one (``i-j``) 1.

    :raises DataError: the file is missing, not UTF-8, or a line holds something else.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as a file of links ({error})") from None
    if lines and not lines[-1]:
        lines.pop()
    links = []
    for number, line in enumerate(lines, 1):
        line_links: Links = {}
        for word in line.split():
            match = _LINK.fullmatch(word)
            if not match:
                raise DataError(f"{path}:{number}: found {word[:40]!r}, expected links such as 0-0 1-2")
            link = (int(match[1]), int(match[2]))
            line_links[link] = max(
                line_links.get(link, 0.0), 1.0 if "-" in word else 0.5
            )  # gold may list sure links as possible too
        links.append(line_links)
    return links


def pharaoh_text(links: Iterable[Links]) -> str:
    """Write links, one line a pair; weights are not written."""
    return "".join(" ".join(f"{i}-{j}" for i, j in sorted(link)) + "\n" for link in links)


class FileAligner:
    """Gives the links of a file, which must hold one line for each pair that is asked for."""

    learns = False
    by_line = True
    reads_texts = False

    def __init__(self, card: AlignerCard, folder: Path) -> None:
        path = Path(card.path or "").expanduser()
        self._path = path if path.is_absolute() else folder / path

    @property
    def identity(self) -> Mapping[str, object]:
        """The file's digest."""
        return {"kind": "file", "sha256": file_digest(self._path) if self._path.is_file() else "missing"}

    def align(self, pairs: Sequence[WordPair]) -> list[Links]:
        """Return the links of each pair.

        :raises DataError: lines and pairs differ in number, or a link points outside its sentences.
        """
        links = read_pharaoh(self._path)
        if len(links) != len(pairs):
            raise DataError(f"{self._path}: {len(links)} lines of links for {len(pairs)} sentence pairs")
        check_links(links, pairs, str(self._path))
        return links


def check_links(links: Sequence[Links], pairs: Sequence[WordPair], place: str) -> None:
    """Refuse links that point outside their sentences.

    :raises DataError: names the first such line.
    """
    for number, (pair_links, pair) in enumerate(zip(links, pairs, strict=True), 1):
        for i, j in pair_links:
            if i >= len(pair.source) or j >= len(pair.target):
                raise DataError(
                    f"{place}:{number}: link {i}-{j} points outside {len(pair.source)} source and "
                    f"{len(pair.target)} target tokens; were the links made with other tokens?"
                )
