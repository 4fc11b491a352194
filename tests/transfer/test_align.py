"""One contract for every aligner, and what each does on its own."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import AlignerCard
from harness.machine.locks import is_scratch_mark
from harness.machine.store import DiskStore, MemoryStore
from harness.transfer.align.contract import Aligner, Links, WordPair
from harness.transfer.align.embedding import argmax_links, itermax_links, match_links
from harness.transfer.align.file import pharaoh_text, read_pharaoh
from harness.transfer.align.hmm import spelling_likeness
from harness.transfer.align.open import open_aligner
from harness.transfer.align.pairs import align_pairs
from harness.transfer.align.symmetrise import symmetrise
from harness.transfer.align.words import alignment_text, comparison_key, raw_offsets
from harness.values.errors import ConfigError, DataError, DependencyError, HarnessError
from harness.values.records import Sentence

KINDS = ["hmm", "eflomal", "argmax", "itermax", "match", "softmax", "file"]

PAIRS = [
    WordPair(("the", "house", "is", "red"), ("la", "casa", "es", "roja")),
    WordPair((), ()),
    WordPair(("Rome",), ()),
    WordPair(("Rome",), ("Roma",)),
    WordPair(("tablet",) * 2000, ("tableta",) * 1900),
    WordPair(("a", "😀", "day"), ("un", "😀", "día")),
    WordPair(("hello", "world"), ("مرحبا", "بالعالم")),
    WordPair(("...", "!?"), ("...", "!?")),
    WordPair(("[a]", "<b>x</b>", "0-0"), ("[a]", "<b>x</b>", "0-0")),
]
"""Ordinary, empty, half empty, one word, 2,000 words, emoji, right-to-left, punctuation alone, marks in the text."""


def has_eflomal() -> bool:
    return (Path(sys.executable).with_name("eflomal-align")).is_file() or bool(shutil.which("eflomal-align"))


@pytest.fixture
def aligner(request: pytest.FixtureRequest, tmp_path: Path) -> Aligner:
    kind = request.param
    if kind == "eflomal" and not has_eflomal():
        pytest.skip("pip install eflomal")
    if kind == "file":
        (tmp_path / "links").write_text(
            pharaoh_text([{(0, 0): 1.0} if p.source and p.target else {} for p in PAIRS]), encoding="utf-8"
        )
        return open_aligner(AlignerCard(name="file", kind="file", path="links"), tmp_path)
    if kind in ("argmax", "itermax", "match", "softmax"):
        path = str(request.getfixturevalue("tiny_bert"))
        card = AlignerCard(name=kind, kind="embedding", path=path, layer=1, extract=kind, batch_size=2)
        return open_aligner(card, tmp_path)
    return open_aligner(AlignerCard(name=kind, kind=kind, prefix=4), tmp_path)


@pytest.mark.parametrize("aligner", KINDS, indirect=True)
def test_every_aligner_keeps_order_count_and_bounds(aligner: Aligner) -> None:
    found = align_pairs(aligner, PAIRS, DiskStore())
    assert len(found) == len(PAIRS)
    assert found[1] == found[2] == {}
    for pair, links in zip(PAIRS, found, strict=True):
        assert all(0 <= i < len(pair.source) and 0 <= j < len(pair.target) for i, j in links)
        assert all(0 < weight <= 1 for weight in links.values())
    assert found[3], "one word against one word"
    assert align_pairs(aligner, PAIRS, DiskStore()) == [
        {link: round(weight, 6) for link, weight in one.items()} for one in found
    ], "kept and read again"


class Counting:
    """An aligner that counts its calls."""

    calls = 0
    identity: dict[str, object] = {"kind": "counting"}  # noqa: RUF012
    learns = by_line = False

    def align(self, pairs: list[WordPair]) -> list[Links]:
        Counting.calls += 1
        return [{(0, 0): 0.5} for _ in pairs]


def test_links_are_kept_but_not_for_restricted_text(tmp_path: Path) -> None:
    Counting.calls = 0
    for _ in range(2):
        align_pairs(Counting(), PAIRS, MemoryStore())
    assert Counting.calls == 2 and not (tmp_path / "cache").exists()
    for _ in range(2):
        align_pairs(Counting(), PAIRS, DiskStore())
    assert Counting.calls == 3


def test_hmm_learns_words_from_their_company() -> None:
    words = {"red": "rojo", "green": "verde", "house": "casa", "dog": "perro", "big": "grande", "cat": "gato"}
    nouns, adjectives = ["house", "dog", "cat"], ["red", "green", "big"]
    pairs = [
        WordPair(("the", a, n), ("el", words[n], words[a]))  # Spanish puts the adjective last
        for n in nouns for a in adjectives for _ in range(3)
    ]  # fmt: skip
    links = open_aligner(AlignerCard(name="h", kind="hmm"), Path()).align(pairs)
    right = sum({(1, 2), (2, 1)} <= one.keys() and (1, 1) not in one for one in links)
    assert right == len(pairs)


def test_hmm_is_deterministic_and_follows_spelling() -> None:
    pairs = [WordPair(("take", "amoxicillin", "500"), ("nimm", "500", "Amoxicillin"))]
    aligner = open_aligner(AlignerCard(name="h", kind="hmm"), Path())
    (links,) = aligner.align(pairs)
    assert {(1, 2), (2, 1)} <= links.keys()
    assert aligner.align(pairs) == [links]


def test_spelling_likeness_is_dice_over_letter_pairs() -> None:
    first, second = ["aspirin", "cat"], ["aspirina", "cat", "dog"]
    index = np.array([0, 1, 1]), np.array([0, 1, 2])
    found = spelling_likeness(first, second, *index)
    # ' aspirin ' has 8 different pairs, ' aspirina ' 9, they share 7: 2 * 7 / 17.
    assert found.tolist() == pytest.approx([14 / 17, 1.0, 0.0])


SETS = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


@given(SETS, SETS)
def test_symmetrisations_are_ordered_by_inclusion(forward: set[tuple[int, int]], reverse: set[tuple[int, int]]) -> None:
    made = {how: symmetrise(forward, reverse, how).keys() for how in ("intersection", "grow_diag_final_and", "union")}
    assert made["intersection"] == forward & reverse
    assert made["union"] == forward | reverse
    assert made["intersection"] <= made["grow_diag_final_and"] <= made["union"]
    assert symmetrise(forward, reverse, "forward").keys() == forward
    assert all(weight == (1.0 if link in forward & reverse else 0.5)
               for link, weight in symmetrise(forward, reverse, "union").items())  # fmt: skip


def test_grow_diag_final_and_adds_neighbours_and_free_words() -> None:
    forward, reverse = {(0, 0), (1, 1), (3, 3)}, {(0, 0), (1, 2)}
    # 1-1 and 1-2 touch 0-0 or one another's word; 3-3 has two free words and comes last.
    assert symmetrise(forward, reverse, "grow_diag_final_and").keys() == {(0, 0), (1, 1), (1, 2), (3, 3)}


def test_simaligns_three_extractions() -> None:
    similarity = np.array([[0.9, 0.8, 0.1], [0.85, 0.2, 0.3], [0.1, 0.1, 0.2]])
    assert argmax_links(similarity) == [(0, 0)] or (0, 0) in argmax_links(similarity)
    assert set(argmax_links(similarity)) <= set(itermax_links(similarity))
    assert match_links(similarity) == [(0, 1), (1, 0), (2, 2)]


def test_embedding_windows_answer_for_every_piece_once(tiny_bert: Path) -> None:
    from harness.transfer.align.embedding import _windows

    for length in (1, 9, 10, 11, 57, 200):
        answered = [place for _, _, start, end in _windows(length, 10) for place in range(start, end)]
        assert answered == list(range(length))
        assert all(start <= a and b <= end and end - start <= 10 for start, end, a, b in _windows(length, 10))
    card = AlignerCard(name="e", kind="embedding", path=str(tiny_bert), layer=3)
    with pytest.raises(ConfigError, match=r"aligner\.layer: found 3, .* has layers 0 to 2"):
        open_aligner(card, Path())


def test_unspaced_scripts_are_cut_into_words_and_offsets_lead_back() -> None:
    for text, language, word in (("患者每日服用阿司匹林500mg。", "zh", "患者"), ("今日は良い天気ですね", "ja", "天気"),
                                 ("วันนี้อากาศดีมาก", "th", "อากาศ")):  # fmt: skip
        offsets = raw_offsets(text, language)
        assert word in [text[start:end] for start, end in offsets]
        assert "".join(text[start:end] for start, end in offsets) == text
    dose = "每次500mg"  # ICU makes one word of number and unit, which may be two entities
    assert [dose[start:end] for start, end in raw_offsets(dose, "zh")] == ["每次", "500", "mg"]
    coffee = "コーヒーを飲む"  # the long vowel mark belongs to no script
    assert [coffee[start:end] for start, end in raw_offsets(coffee, "ja")] == ["コーヒー", "を", "飲む"]
    emoji = "😀😀我爱北京天安门 5mg"
    assert "天安门" in [emoji[start:end] for start, end in raw_offsets(emoji, "zh")]
    sentence = Sentence("1", "a b c", "en", (), ((0, 3), (4, 5)))
    assert alignment_text(sentence).words == ("a_b", "c")


def test_comparison_keys() -> None:
    assert comparison_key("«Straße»,") == "strasse"
    assert comparison_key("running", 4) == "runn"
    assert comparison_key("20245", 4) == "20245"
    assert comparison_key("...") == "..."
    assert " " not in comparison_key("ﷺ") and " " not in comparison_key("it´s")


@given(st.lists(st.sets(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=5), min_size=1, max_size=5))
def test_pharaoh_lines_come_back(tmp_path_factory: pytest.TempPathFactory, links: list[set[tuple[int, int]]]) -> None:
    path = tmp_path_factory.mktemp("p") / "links"
    path.write_text(pharaoh_text([dict.fromkeys(one, 1.0) for one in links]), encoding="utf-8")
    assert [one.keys() for one in read_pharaoh(path)] == links


def test_bad_links_name_the_line(tmp_path: Path) -> None:
    (tmp_path / "links").write_text("0-0 1-x\n", encoding="utf-8")
    with pytest.raises(DataError, match="links:1: found '1-x'"):
        read_pharaoh(tmp_path / "links")
    (tmp_path / "links").write_text("0-7\n", encoding="utf-8")
    aligner = open_aligner(AlignerCard(name="file", kind="file", path="links"), tmp_path)
    with pytest.raises(DataError, match="link 0-7 points outside 1 source and 1 target"):
        align_pairs(aligner, [WordPair(("a",), ("b",))], DiskStore())
    with pytest.raises(DataError, match="1 lines of links for 2 sentence pairs"):
        align_pairs(aligner, [WordPair(("a",), ("b",))] * 2, MemoryStore())


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


def test_a_killed_alignment_redoes_at_most_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    import harness.transfer.align.pairs as engine

    monkeypatch.setattr(engine, "BATCH", 2)

    class Killed(Counting):
        asked: list[WordPair] = []  # noqa: RUF012
        left = 1

        def align(self, pairs: list[WordPair]) -> list[Links]:
            if Killed.left == 0:
                raise KeyboardInterrupt
            Killed.left -= 1
            Killed.asked += pairs
            return [{(0, 0): 0.5} for _ in pairs]

    pairs = [WordPair((f"a{n}",), ("b",)) for n in range(6)]
    with pytest.raises(KeyboardInterrupt):
        align_pairs(Killed(), pairs, DiskStore())
    Killed.left = 9
    assert align_pairs(Killed(), pairs, DiskStore()) == [{(0, 0): 0.5}] * 6
    assert Killed.asked == pairs
