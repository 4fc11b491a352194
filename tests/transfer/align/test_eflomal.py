"""One contract for every aligner, and what each does on its own."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.config import AlignerCard
from harness.machine.locks import is_scratch_mark
from harness.transfer.align.contract import Links, WordPair
from harness.transfer.align.open import open_aligner
from harness.values.errors import DataError, DependencyError, HarnessError
from tests.transfer.align_cases import has_eflomal


def test_eflomal_missing_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DependencyError, match=r"pip install eflomal .* aligner=hmm"):
        open_aligner(AlignerCard(name="e", kind="eflomal"), tmp_path)


@pytest.mark.skipif(not has_eflomal(), reason="pip install eflomal")
def test_eflomal_gives_the_same_links_for_the_same_seed_alone(tmp_path: Path) -> None:
    draw = random.Random(3)
    pairs = [
        WordPair(tuple(f"s{draw.randrange(9)}" for _ in range(12)), tuple(f"t{draw.randrange(9)}" for _ in range(12)))
        for _ in range(30)
    ]  # nothing to learn: where the links fall is up to the random numbers

    def links(seed: int) -> list[Links]:
        return open_aligner(AlignerCard(name="e", kind="eflomal", seed=seed), tmp_path).align(pairs)

    assert links(1) == links(1)
    assert links(1) != links(2)


@pytest.mark.skipif(not has_eflomal(), reason="pip install eflomal")
def test_eflomals_directions_have_seeds_of_their_own_and_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import harness.transfer.align.eflomal as module

    seen = []

    class Started(subprocess.Popen[str]):
        def __init__(self, command: list[str], **given: object) -> None:
            place = Path(str(given["cwd"]))
            seen.append(((place / "seed").read_bytes(), dict(given["env"])["OMP_NUM_THREADS"]))  # type: ignore[call-overload]
            super().__init__(command, **given)  # type: ignore[call-overload]

    aligner = open_aligner(AlignerCard(name="e", kind="eflomal"), tmp_path)
    monkeypatch.setattr(module.subprocess, "Popen", Started)
    aligner.align([WordPair(("a",), ("b",))])
    assert len({seed for seed, _ in seen}) == 2 and {threads for _, threads in seen} == {"1"}


@pytest.fixture
def fake_eflomal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program whose compiled part names its source of seeds twice; the script's text is the test's."""
    compiled = tmp_path / "lib" / "python3.11" / "site-packages" / "eflomal" / "bin" / "eflomal"
    compiled.parent.mkdir(parents=True)
    compiled.write_bytes(b"\0/dev/urandom\0 and \0/dev/urandom\0")
    script = tmp_path / "bin" / "eflomal-align"
    script.parent.mkdir()
    script.touch(0o755)
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    return script


def test_a_program_whose_seed_cannot_be_given_is_run_as_it_is_and_says_so(
    fake_eflomal: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake_eflomal.write_text("#!/bin/sh\necho out of memory >&2; exit 3\n", encoding="utf-8")
    aligner = open_aligner(AlignerCard(name="e", kind="eflomal"), tmp_path)
    assert aligner.identity["seed"] is None and "aligner.seed has no effect" in caplog.text
    with pytest.raises(HarnessError, match="eflomal-align ended with exit code 3: out of memory"):
        aligner.align([WordPair(("a",), ("b",))])
    # A lost last line is not an empty one.
    for answer, count in (("", 0), ("0-0", 0)):
        text = f'#!/bin/sh\nfor name; do last=$name; done; printf "{answer}" > "$last"\n'
        fake_eflomal.write_text(text, encoding="utf-8")
        with pytest.raises(HarnessError, match=f"eflomal-align answered {count} of 1 sentence pairs"):
            aligner.align([WordPair(("a",), ("b",))])


def test_nothing_of_eflomal_goes_on_when_one_direction_fails(fake_eflomal: Path, tmp_path: Path) -> None:
    mark = f"{time.time_ns() % 10**6 + 3600}"
    fake_eflomal.write_text(
        f'#!/bin/sh\ncase "$*" in *--forward-links*) sleep 0.3; exit 1;; esac\nsleep {mark} & wait\n', encoding="utf-8"
    )
    aligner = open_aligner(AlignerCard(name="e", kind="eflomal"), tmp_path)
    with pytest.raises(HarnessError, match="exit code 1"):
        aligner.align([WordPair(("a",), ("b",))])
    for _ in range(50):
        if not sleeping(mark):
            break
        time.sleep(0.1)
    assert not sleeping(mark)


def sleeping(mark: str) -> list[str]:
    import psutil

    found = (" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline", "status"]))
    return [command for command in found if command == f"sleep {mark}"]


@pytest.mark.skipif(not has_eflomal(), reason="pip install eflomal")
def test_eflomal_writes_no_word_into_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import harness.transfer.align.eflomal as module

    (tmp_path / "priors").write_text("LEX\tmeier\tmeier\t2\nFERF\tmeier\t1\t2\nHMMF\t1\t3\n", encoding="utf-8")
    aligner = open_aligner(AlignerCard(name="e", kind="eflomal", priors="priors"), tmp_path)
    written = []
    real = module._align

    def watched(script: str, folder: Path, options: list[str], seed: int | None) -> None:
        written.extend(
            path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if not is_scratch_mark(path.name)
        )
        real(script, folder, options, seed)

    monkeypatch.setattr(module, "_align", watched)
    assert aligner.align([WordPair(("Meier", "sick"), ("Meier", "krank"))])[0][0, 0] == 1.0
    assert written == ["LEX\tw0\tw0\t2\nFERF\tw0\t1\t2\nHMMF\t1\t3\n", "w0 w1\n", "w0 w2\n"]
    (tmp_path / "priors").write_text("a b c\n", encoding="utf-8")
    with pytest.raises(DataError, match="priors:1: found no line of eflomal's priors"):
        aligner.align([WordPair(("a",), ("b",))])


@pytest.mark.parametrize("kind", ["hmm", "eflomal"])
def test_a_killed_first_alignment_repeated_gives_the_links_of_an_undisturbed_one(kind: str, tmp_path: Path) -> None:
    if kind == "eflomal" and not has_eflomal():
        pytest.skip("pip install eflomal")
    draw = random.Random(5)
    for side in ("source", "target"):
        lines = [" ".join(f"{side[0]}{draw.randrange(300)}" for _ in range(25)) + "\n" for _ in range(400)]
        (tmp_path / f"{side}.txt").write_text("".join(lines), encoding="utf-8")

    def start(cache: str, output: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "harness", "align", "source.txt", "target.txt", "--source-language", "en",
                   "--target-language", "es", "--aligner", kind, "-o", output]  # fmt: skip
        environment = {**os.environ, "HARNESS_CACHE": str(tmp_path / cache)}
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)

    killed = start("killed", "first")
    assert killed.stderr
    while "aligning" not in killed.stderr.readline():
        assert killed.poll() is None, "the program ended before it aligned"
    killed.kill()
    killed.communicate()
    assert not (tmp_path / "first").exists()
    ended = start("killed", "second")
    assert ended.stderr
    while "aligning" not in ended.stderr.readline():
        assert ended.poll() is None, "the program ended before it aligned"
    ended.terminate()
    ended.communicate()
    assert ended.returncode == 130 and not (tmp_path / "second").exists()
    for cache, output in (("killed", "repeated"), ("other", "undisturbed")):
        done = start(cache, output)
        _, messages = done.communicate()
        assert done.returncode == 0, messages
    assert (tmp_path / "repeated").read_bytes() == (tmp_path / "undisturbed").read_bytes()


def test_eflomal_priors_are_learned_once_and_used_again(tmp_path: Path) -> None:
    if not has_eflomal():
        pytest.skip("pip install eflomal")
    from harness.transfer.align.eflomal import EflomalAligner

    pairs = [WordPair(("the", word, "runs"), ("el", f"{word}o", "corre")) for word in ("perr", "gat", "zorr")] * 20
    EflomalAligner(AlignerCard(name="e", kind="eflomal"), tmp_path).write_priors(pairs, tmp_path / "priors")
    assert "LEX\t" in (tmp_path / "priors").read_text(encoding="utf-8")
    aligner = open_aligner(AlignerCard(name="e", kind="eflomal", priors="priors"), tmp_path)
    (links,) = aligner.align([WordPair(("the", "zorr"), ("el", "zorro"))])
    assert {(0, 0), (1, 1)} <= links.keys()
    with pytest.raises(DataError, match="no file"):
        open_aligner(AlignerCard(name="e", kind="eflomal", priors="none"), tmp_path)
