"""eflomal (Östling and Tiedemann 2016): Bayesian alignment with fertilities, the strongest statistical aligner here.

GPL-3, therefore an extra that runs as a program of its own: ``pip install eflomal``. It reads its seed from
``/dev/urandom`` and takes no other, so no two runs of it are alike. A copy is run instead (in the cache) in which that
one name reads ``seed``: a file we write beside its input. The same pairs then have the same links, after a kill too.
"""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from importlib import metadata
from pathlib import Path

from harness.cache import atomic_path, cache_key, cached_folder
from harness.config import AlignerCard
from harness.errors import DataError, DependencyError, HarnessError
from harness.provenance import file_digest
from harness.transfer.align.engine import Links, WordPair
from harness.transfer.align.segment import comparison_key
from harness.transfer.align.symmetrise import symmetrise

logger = logging.getLogger(__name__)

SEED_SOURCE = b"\0/dev/urandom\0"
"""How the name of the seed's file stands in the compiled program."""

DIRECTIONS = ("forward", "reverse")

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
        self._compiled = _seedable(self._program)
        if not self._compiled:
            logger.warning("aligner.seed has no effect on %s: links will differ between runs", self._program)
        self._priors = folder / Path(card.priors).expanduser() if card.priors else None
        if self._priors and not self._priors.is_file():
            raise DataError(f"aligner.priors: no file {self._priors}; make one with harness align --write-priors FILE")

    @property
    def identity(self) -> Mapping[str, object]:
        """Everything the links depend on; ``seed`` is None where the program draws one itself."""
        card = self._card
        return {
            "kind": "eflomal", "form": 3, "version": _version(), "seed": card.seed if self._compiled else None,
            "model": card.model, "samplers": card.samplers, "prefix": card.prefix, "suffix": card.suffix,
            "symmetrise": card.symmetrise, "priors": file_digest(self._priors) if self._priors else None,
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
        with tempfile.TemporaryDirectory(prefix="harness-eflomal-") as scratch:
            folder = Path(scratch)
            self._write(folder, [_keys(pair) for pair in pairs])
            self._run(folder)
            _started(
                [program("eflomal-makepriors"), "-s", str(folder / "source"), "-t", str(folder / "target"),
                 "-f", str(folder / "forward"), "-r", str(folder / "reverse"), "-p", str(folder / "priors")]
            )  # fmt: skip
            with atomic_path(target) as written:
                shutil.copyfile(folder / "priors", written)

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
            self._run(folder)
            found = [_read(folder / name, len(texts)) for name in DIRECTIONS]
        return found[0], found[1], pieces

    def _write(self, folder: Path, texts: Sequence[tuple[list[str], list[str]]]) -> None:
        for side, name in enumerate(("source", "target")):
            lines = "".join(" ".join(text[side]) + "\n" for text in texts)
            (folder / name).write_text(lines, encoding="utf-8")

    def _run(self, folder: Path) -> None:
        """Align both directions, each in a process and a seed of its own."""
        environment = dict(os.environ)
        if self._compiled:
            # With several threads, which sampler gets which random numbers is a race.
            environment["OMP_NUM_THREADS"] = "1"
            environment["PYTHONPATH"] = os.pathsep.join(
                [str(_seeded_copy(self._compiled)), *filter(None, [os.environ.get("PYTHONPATH")])]
            )
        running = []
        try:
            for direction in DIRECTIONS:
                place = folder / f"in-{direction}"
                place.mkdir()
                seed = blake2b(f"{self._card.seed} {direction}".encode(), digest_size=8).digest()
                (place / "seed").write_bytes(seed)
                command = [*self._align_command(folder), f"--{direction}-links", str(folder / direction)]
                with (place / "messages").open("w") as messages:
                    running.append(
                        subprocess.Popen(command, cwd=place, env=environment, stdout=messages, stderr=messages)
                    )
            for process, direction in zip(running, DIRECTIONS, strict=True):
                _ended_well(self._program, process.wait(), (folder / f"in-{direction}" / "messages").read_text())
        finally:
            for process in running:
                process.kill()
                process.wait()

    def _align_command(self, folder: Path) -> list[str]:
        card = self._card
        command = [
            self._program, "--overwrite", "-m", str(card.model), "--n-samplers", str(card.samplers),
            "-s", str(folder / "source"), "-t", str(folder / "target"),
        ]  # fmt: skip
        for option, length in (("prefix", card.prefix), ("suffix", card.suffix)):
            if length and self._priors:
                command += [f"--source-{option}", str(length), f"--target-{option}", str(length)]
        return command + (["-p", str(self._priors)] if self._priors else [])


def _seedable(script: str) -> Path | None:
    """Return the compiled program behind a script, if its seed can be given: it names the seed's file just once."""
    if sys.platform != "linux":  # elsewhere a changed program may not be allowed to run
        return None
    found = Path(script).resolve().parent.parent.glob("lib*/python*/*-packages/eflomal/bin/eflomal")
    compiled = {path.resolve() for path in found}  # lib64 is often a link to lib
    known = compiled.pop() if len(compiled) == 1 else None
    return known if known and known.read_bytes().count(SEED_SOURCE) == 1 else None


def _seeded_copy(compiled: Path) -> Path:
    """Return a folder for ``PYTHONPATH``: a copy of the package whose program reads ``seed`` in its working folder."""
    package = compiled.parent.parent

    def write(folder: Path) -> None:
        shutil.copytree(package, folder / "eflomal")
        changed = compiled.read_bytes().replace(SEED_SOURCE, b"\0seed".ljust(len(SEED_SOURCE), b"\0"))
        (folder / "eflomal" / "bin" / "eflomal").write_bytes(changed)

    return cached_folder("programs", cache_key("eflomal", package=str(package), compiled=file_digest(compiled)), write)


def _keys(pair: WordPair) -> tuple[list[str], list[str]]:
    """Return the words as the program gets them; it shortens them itself, so that priors keep whole words."""
    return [comparison_key(word) for word in pair.source], [comparison_key(word) for word in pair.target]


def _started(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    _ended_well(command[0], done.returncode, done.stderr)


def _ended_well(command: str, code: int, messages: str) -> None:
    if code:
        last = (messages.strip().splitlines() or ["no message"])[-1]
        raise HarnessError(f"{Path(command).name} ended with exit code {code}: {last[:200]}")


def _read(path: Path, count: int) -> list[set[tuple[int, int]]]:
    # The script ends with 0 even where the program it starts does not.
    lines = path.read_text(encoding="utf-8").split("\n")[:count] if path.is_file() else []
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
