"""eflomal (Östling and Tiedemann 2016): Bayesian alignment with fertilities, the strongest statistical aligner here.

GPL-3, therefore an extra that runs as a program of its own: ``pip install eflomal``. It draws its seed from the
operating system, so two runs differ a little; what is stored in the cache is used again and does not.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from harness.config import AlignerCard
from harness.errors import DataError, DependencyError, HarnessError
from harness.provenance import file_digest
from harness.transfer.align.engine import Links, WordPair
from harness.transfer.align.segment import comparison_key
from harness.transfer.align.symmetrise import symmetrise

LONGEST = 1000
"""Words of a sentence: the program drops sentences of 1,024 words and more, so longer ones are aligned in parts."""


def program(name: str) -> str:
    """Return the path of an eflomal program.

    :raises DependencyError: it is not installed.
    """
    beside = Path(sys.executable).with_name(name)  # the environment's own, whether or not it is activated
    found = str(beside) if beside.is_file() else shutil.which(name)
    if not found:
        raise DependencyError(
            "aligner eflomal is not installed; pip install eflomal (GPL-3), or choose aligner=hmm, which needs nothing"
        )
    return found


class EflomalAligner:
    """Runs ``eflomal-align`` on all pairs and merges both directions."""

    learns = True
    by_line = False

    def __init__(self, card: AlignerCard, folder: Path) -> None:
        self._card = card
        self._program = program("eflomal-align")
        self._priors = folder / Path(card.priors).expanduser() if card.priors else None
        if self._priors and not self._priors.is_file():
            raise DataError(f"aligner.priors: no file {self._priors}; make one with harness align --write-priors FILE")

    @property
    def identity(self) -> Mapping[str, object]:
        """Everything the links depend on, but the seed the program draws itself."""
        card = self._card
        return {
            "kind": "eflomal", "form": 2, "version": _version(), "model": card.model, "samplers": card.samplers,
            "prefix": card.prefix, "suffix": card.suffix, "symmetrise": card.symmetrise,
            "priors": file_digest(self._priors) if self._priors else None,
        }  # fmt: skip

    def align(self, pairs: Sequence[WordPair]) -> list[Links]:
        """Return the links of each pair."""
        forward, reverse, pieces = self._directions(pairs)
        links: list[Links] = [{} for _ in pairs]
        for (number, rows, columns), ahead, back in zip(pieces, forward, reverse, strict=True):
            for (i, j), weight in symmetrise(ahead, back, self._card.symmetrise).items():
                links[number][(i + rows, j + columns)] = weight
        return links

    def write_priors(self, pairs: Sequence[WordPair], target: Path) -> None:
        """Learn priors from pairs and write them, for ``aligner.priors`` of later runs on small corpora."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="harness-eflomal-") as scratch:
            folder = Path(scratch)
            self._write(folder, [_keys(pair) for pair in pairs])
            self._run(self._align_command(folder))
            _started(
                [program("eflomal-makepriors"), "-s", str(folder / "source"), "-t", str(folder / "target"),
                 "-f", str(folder / "forward"), "-r", str(folder / "reverse"), "-p", str(folder / "priors")]
            )  # fmt: skip
            shutil.copyfile(folder / "priors", target)

    def _numbered(self, texts: Sequence[tuple[list[str], list[str]]]) -> list[tuple[list[str], list[str]]]:
        """Write words as numbers: equal numbers where the shortened words are equal, and no text in temporary files.

        With priors, which name words, the words themselves are written and the program shortens them.
        """
        if self._priors:
            return list(texts)
        numbers: dict[str, str] = {}

        def number(word: str) -> str:
            short = comparison_key(word, self._card.prefix)
            short = short[-self._card.suffix :] if self._card.suffix else short
            return numbers.setdefault(short, f"w{len(numbers)}")

        return [([number(word) for word in source], [number(word) for word in target]) for source, target in texts]

    def _directions(
        self, pairs: Sequence[WordPair]
    ) -> tuple[list[set[tuple[int, int]]], list[set[tuple[int, int]]], list[tuple[int, int, int]]]:
        pieces: list[tuple[int, int, int]] = []
        texts: list[tuple[list[str], list[str]]] = []
        for number, pair in enumerate(pairs):
            source, target = _keys(pair)
            count = min(-(-max(len(source), len(target)) // LONGEST), len(source), len(target))
            for k in range(count):
                rows = (k * len(source) // count, (k + 1) * len(source) // count)
                columns = (k * len(target) // count, (k + 1) * len(target) // count)
                pieces.append((number, rows[0], columns[0]))
                texts.append((source[slice(*rows)], target[slice(*columns)]))
        with tempfile.TemporaryDirectory(prefix="harness-eflomal-") as scratch:
            folder = Path(scratch)
            self._write(folder, self._numbered(texts))
            self._run(self._align_command(folder))
            found = [_read(folder / name, len(texts)) for name in ("forward", "reverse")]
        return found[0], found[1], pieces

    def _write(self, folder: Path, texts: Sequence[tuple[list[str], list[str]]]) -> None:
        for side, name in enumerate(("source", "target")):
            lines = "".join(" ".join(text[side]) + "\n" for text in texts)
            (folder / name).write_text(lines, encoding="utf-8")

    def _align_command(self, folder: Path) -> list[str]:
        card = self._card
        command = [
            self._program, "--overwrite", "-m", str(card.model), "--n-samplers", str(card.samplers),
            "-s", str(folder / "source"), "-t", str(folder / "target"),
            "-f", str(folder / "forward"), "-r", str(folder / "reverse"),
        ]  # fmt: skip
        for option, length in (("prefix", card.prefix), ("suffix", card.suffix)):
            if length and self._priors:
                command += [f"--source-{option}", str(length), f"--target-{option}", str(length)]
        return command + (["-p", str(self._priors)] if self._priors else [])

    def _run(self, command: list[str]) -> None:
        _started(command)


def _keys(pair: WordPair) -> tuple[list[str], list[str]]:
    """Return the words as the program gets them; it shortens them itself, so that priors keep whole words."""
    return [comparison_key(word) for word in pair.source], [comparison_key(word) for word in pair.target]


def _started(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise HarnessError(f"{Path(command[0]).name} ended with exit code {done.returncode}: {last[:200]}")


def _read(path: Path, count: int) -> list[set[tuple[int, int]]]:
    lines = path.read_text(encoding="utf-8").split("\n")[:count]
    if len(lines) != count:
        raise HarnessError(f"eflomal-align answered {len(lines)} of {count} sentence pairs")
    links = []
    for line in lines:
        links.append({(int(i), int(j)) for i, _, j in (word.partition("-") for word in line.split())})
    return links


def _version() -> str:
    try:
        return metadata.version("eflomal")
    except metadata.PackageNotFoundError:
        return "unknown"
