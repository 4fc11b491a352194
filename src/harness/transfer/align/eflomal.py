"""eflomal (Östling and Tiedemann 2016): Bayesian alignment with fertilities, the strongest statistical aligner here.

GPL-3, therefore an extra that runs as a program of its own: ``pip install eflomal``. It reads its seed from
``/dev/urandom`` and takes no other, so no two runs of it are alike. A copy is run instead in which that one name reads
``seed``: a file we write into its working folder. The same pairs then have the same links, after a kill too.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path

from harness.config import AlignerCard
from harness.machine.files import atomic_path
from harness.machine.locks import end_with_parent, scratch_folder
from harness.machine.provenance import file_digest
from harness.transfer.align.contract import Links, WordPair
from harness.transfer.align.symmetrise import symmetrise
from harness.transfer.align.words import comparison_key
from harness.values.errors import DataError, DependencyError, HarnessError

logger = logging.getLogger(__name__)

SEED_SOURCE = b"\0/dev/urandom\0"
"""How the name of the seed's file stands in the compiled program."""

START_COPY = """
import runpy, sys
copy, script = sys.argv[1:3]
sys.argv = sys.argv[2:]
sys.path.insert(0, copy)
import eflomal
if not eflomal.__file__.startswith(copy):
    raise SystemExit("the copy of eflomal was not found")
runpy.run_path(script, run_name="__main__")
"""
"""What the interpreter of the script runs, so that it is certainly our copy of the package that is imported."""

DIRECTIONS = ("forward", "reverse")

LONGEST = 1000
"""Words of a sentence: the program drops sentences of 1,024 words and more, so longer ones are aligned in parts."""


def program(name: str) -> str:
    """Return the path of an eflomal program.

    :raises DependencyError: it is not installed.
    """
    beside = Path(sys.executable).with_name(name)  # the environment's own, whether or not it is activated
    path = str(beside) if beside.is_file() else shutil.which(name)
    if not path:
        raise DependencyError(
            "aligner eflomal is not installed; pip install eflomal (GPL-3), or choose aligner=hmm, which needs nothing"
        )
    return str(Path(path).absolute())


class EflomalAligner:
    """Runs ``eflomal-align`` on all pairs and merges both directions."""

    learns = True
    by_line = False
    reads_texts = False

    def __init__(self, card: AlignerCard, folder: Path) -> None:
        self._card = card
        self._program = program("eflomal-align")
        self._seeded = _takes_seed(self._program)
        self._priors = (folder / Path(card.priors).expanduser()).absolute() if card.priors else None
        if self._priors and not self._priors.is_file():
            raise DataError(f"aligner.priors: no file {self._priors}; make one with harness align --write-priors FILE")

    @property
    def identity(self) -> Mapping[str, object]:
        """Everything the links depend on; ``seed`` is None where the program draws one itself."""
        card = self._card
        return {
            "kind": "eflomal", "form": 3, "program": file_digest(_compiled(self._program) or Path(self._program)),
            "seed": card.seed if self._seeded else None, "model": card.model, "samplers": card.samplers,
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
        texts = [_keys(pair) for pair in pairs]
        with scratch_folder("harness-eflomal-") as folder:
            self._run(folder, texts)
            _write(folder, texts)  # the priors name words
            done = subprocess.run(
                [program("eflomal-makepriors"), "-s", str(folder / "source"), "-t", str(folder / "target"),
                 "-f", str(folder / "forward"), "-r", str(folder / "reverse"), "-p", str(folder / "priors")],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            _ended_well("eflomal-makepriors", done.returncode, done.stderr)
            with atomic_path(target) as written:
                shutil.copyfile(folder / "priors", written)

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
        with scratch_folder("harness-eflomal-") as folder:
            self._run(folder, texts)
            directions = [_read(folder / name, len(texts)) for name in DIRECTIONS]
        return directions[0], directions[1], pieces

    def _run(self, folder: Path, texts: Sequence[tuple[list[str], list[str]]]) -> None:
        """Align both directions, each in a process and with a seed of its own; ``folder`` then has their links."""
        card = self._card
        numbers = self._write_numbered(folder, texts)
        options = ["-m", str(card.model), "--n-samplers", str(card.samplers)]
        if self._priors:
            (folder / "priors").write_text(_numbered_priors(self._priors, numbers, self._short), encoding="utf-8")
            options += ["-p", str(folder / "priors")]
        _align(self._program, folder, options, card.seed if self._seeded else None)

    def _short(self, word: str) -> str:
        short = comparison_key(word, self._card.prefix)
        return short[-self._card.suffix :] if self._card.suffix else short

    def _write_numbered(self, folder: Path, texts: Sequence[tuple[list[str], list[str]]]) -> dict[str, str]:
        """Write numbers for words, equal ones where the shortened words are equal: no text in temporary files."""
        numbers: dict[str, str] = {}

        def number(word: str) -> str:
            return numbers.setdefault(self._short(word), f"w{len(numbers)}")

        _write(
            folder, [([number(word) for word in source], [number(word) for word in target]) for source, target in texts]
        )
        return numbers


def _numbered_priors(path: Path, numbers: Mapping[str, str], short: Callable[[str], str]) -> str:
    """Return priors with the numbers of words, without those that do not occur."""
    lines = []
    for place, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        kind, *fields = line.split("\t")
        words = {"LEX": 2, "FERF": 1, "FERR": 1, "HMMF": 0, "HMMR": 0}.get(kind)
        if words is None or len(fields) != (3 if words else 2):
            raise DataError(f"{path}:{place}: found no line of eflomal's priors; make them with --write-priors FILE")
        known = [word if word == "<NULL>" else numbers.get(short(word)) for word in fields[:words]]
        if None not in known:
            lines.append("\t".join([kind, *map(str, known), *fields[words:]]) + "\n")
    return "".join(lines)


def _align(script: str, folder: Path, options: Sequence[str], seed: int | None) -> None:
    """Run ``eflomal-align`` on ``folder``'s source and target, both directions at once.

    :param seed: None to run the program as it is.
    :raises HarnessError: it ended badly.
    """
    environment = {**os.environ, "TMPDIR": str(folder)}
    start = [script]
    if seed is not None:
        # With several threads, which sampler gets which random numbers is a race.
        environment["OMP_NUM_THREADS"] = "1"
        start = [_interpreter(script), "-c", START_COPY, str(_seeded_copy(script, folder)), script]
    running = []
    try:
        for direction in DIRECTIONS:
            place = folder / f"in-{direction}"
            place.mkdir()
            (place / "seed").write_bytes(blake2b(f"{seed} {direction}".encode(), digest_size=8).digest())
            command = [*start, "--overwrite", *options, "-s", str(folder / "source"), "-t", str(folder / "target"),
                       f"--{direction}-links", str(folder / direction)]  # fmt: skip
            with (place / "messages").open("w") as messages:
                # A session of its own, so that the compiled program it starts ends with it.
                process = subprocess.Popen(
                    command, cwd=place, env=environment, stdout=messages, stderr=messages, start_new_session=True,
                    preexec_fn=end_with_parent,
                )  # fmt: skip
            running.append(process)
        for process, direction in zip(running, DIRECTIONS, strict=True):
            code = process.wait()
            _ended_well("eflomal-align", code, (folder / f"in-{direction}" / "messages").read_text(errors="replace"))
    finally:
        for process in running:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _compiled(script: str) -> Path | None:
    """Return the compiled program behind a script, where there is just one."""
    programs = Path(script).resolve().parent.parent.glob("lib*/python*/*-packages/eflomal/bin/eflomal")
    compiled = {path.resolve() for path in programs}  # lib64 is often a link to lib
    return compiled.pop() if len(compiled) == 1 else None


def _interpreter(script: str) -> str:
    """Return the Python that a script names in its first line; empty for another kind of script."""
    first, _, _ = Path(script).read_bytes().partition(b"\n")
    name = first.removeprefix(b"#!").decode(errors="replace").strip()
    return name if first.startswith(b"#!") and "python" in name and Path(name).is_file() else ""


def _seeded_copy(script: str, folder: Path) -> Path:
    """Copy the package so that its program reads ``seed`` in its working folder; return what to import it from."""
    compiled = _compiled(script)
    assert compiled is not None
    copy = folder / "copy"
    shutil.copytree(compiled.parent.parent, copy / "eflomal")
    program = copy / "eflomal" / "bin" / "eflomal"
    program.unlink()  # it may not be ours to write
    program.write_bytes(compiled.read_bytes().replace(SEED_SOURCE, b"\0seed".ljust(len(SEED_SOURCE), b"\0")))
    program.chmod(0o700)
    return copy


@cache
def _takes_seed(script: str) -> bool:
    """Return True if a copy that reads our seed can be made and runs; warn where links will differ between runs."""
    compiled = _compiled(script)
    reason = "its program is not known"
    # Elsewhere than on Linux a changed program may not be allowed to run.
    if sys.platform == "linux" and compiled and _interpreter(script):
        if compiled.read_bytes().count(SEED_SOURCE) == 1:
            try:
                with scratch_folder("harness-eflomal-") as folder:
                    _write(folder, [(["a"], ["b"])])
                    _align(script, folder, [], seed=1)
                    _read(folder / DIRECTIONS[0], 1)
                return True
            except (OSError, HarnessError) as error:
                reason = str(error)
    logger.warning("aligner.seed has no effect on %s (%s): links will differ between runs", script, reason)
    return False


def _keys(pair: WordPair) -> tuple[list[str], list[str]]:
    """Return whole words as they are compared; priors keep them."""
    return [comparison_key(word) for word in pair.source], [comparison_key(word) for word in pair.target]


def _write(folder: Path, texts: Sequence[tuple[list[str], list[str]]]) -> None:
    for side, name in enumerate(("source", "target")):
        lines = "".join(" ".join(text[side]) + "\n" for text in texts)
        (folder / name).write_text(lines, encoding="utf-8")


def _ended_well(command: str, code: int, messages: str) -> None:
    if code:
        last = (messages.strip().splitlines() or ["no message"])[-1]
        raise HarnessError(f"{command} ended with exit code {code}: {last[:200]}")


def _read(path: Path, count: int) -> list[set[tuple[int, int]]]:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    *lines, rest = text.split("\n")
    if rest or len(lines) != count:
        raise HarnessError(f"eflomal-align answered {len(lines)} of {count} sentence pairs")
    return [{(int(i), int(j)) for i, _, j in (word.partition("-") for word in line.split())} for line in lines]
