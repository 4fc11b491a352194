"""``harness translate | align | project`` on files, as a person calls them."""

import json
import os
from pathlib import Path

import pytest

from harness.workflows.transfer_files import translation_scores
from tests.conftest import write_conll
from tests.test_cli import harness

PAIRS = [
    ([("Anna", "B-PER"), ("lives", "O"), ("in", "O"), ("Rome", "B-LOC")], "Ana vive en Roma ."),
    ([("the", "O"), ("red", "O"), ("house", "O")], "la casa roja"),
    ([("Bert", "B-PER"), ("left", "O")], ""),
    ([("Rome", "B-LOC"), ("is", "O"), ("big", "O")], "Roma es grande"),
]


LANGUAGES = ("--source-language", "en", "--target-language", "es")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    write_conll(tmp_path / "source.conll", [source for source, _ in PAIRS])
    (tmp_path / "target.txt").write_text("".join(f"{target}\n" for _, target in PAIRS), encoding="utf-8")
    (tmp_path / "links").write_text("0-0 1-1 2-2 3-3\n0-0 1-2 2-1\n\n0-0 1-1 2-2\n", encoding="utf-8")
    gold = [
        [("Ana", "B-PER"), ("vive", "O"), ("en", "O"), ("Roma", "B-LOC"), (".", "O")],
        [("la", "O"), ("casa", "O"), ("roja", "B-PER")],
        [("Roma", "B-LOC"), ("es", "O"), ("grande", "O")],
    ]
    write_conll(tmp_path / "gold.conll", gold)
    return tmp_path


def test_project_writes_one_line_a_pair_and_accounts_for_every_entity(files: Path) -> None:
    done = harness("project", "source.conll", "target.txt", *LANGUAGES, "--alignments", "links", "--pretokenised", "-o",
                   "out.jsonl", "--json", cwd=files)  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (files / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["text"] for line in lines] == [target for _, target in PAIRS]
    assert lines[0]["spans"] == [{"start": 0, "end": 3, "label": "PER"}, {"start": 12, "end": 16, "label": "LOC"}]
    value = json.loads(done.stdout.splitlines()[-1])
    assert value["pairs"] == 4
    counts = value["projection"]
    assert (counts["source"], counts["projected"], counts["dropped"]) == (4, 3, 1)


def test_project_scores_against_manual_gold_and_ranks(files: Path) -> None:
    pairs = [0, 1, 3]
    write_conll(files / "s.conll", [PAIRS[n][0] for n in pairs])
    (files / "t.txt").write_text("".join(f"{PAIRS[n][1]}\n" for n in pairs), encoding="utf-8")
    (files / "l").write_text("0-0 1-1 2-2 3-3\n0-0 1-2 2-1\n0-0 1-1 2-2\n", encoding="utf-8")
    done = harness("project", "s.conll", "t.txt", *LANGUAGES, "--alignments", "l", "-o", "out.jsonl", "--score",
                   "gold.conll", "--score-links", "l", "--ranking", "rank.jsonl", "--json", cwd=files)  # fmt: skip
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout.splitlines()[-1])["scores"]["links"]
    assert scores["span_f1"] == pytest.approx(6 / 7)  # 3 right of 3 projected, 4 in gold
    assert scores["aer"] == 0.0
    (line,) = (files / "rank.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["name"] == "links"


def test_align_writes_pharaoh_lines_and_the_error_rate(files: Path) -> None:
    done = harness("align", "source.conll", "target.txt", *LANGUAGES, "--aligner", "hmm", "--pretokenised", "-o", "made",
                   "--score", "links", "--json", cwd=files)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len((files / "made").read_text(encoding="utf-8").splitlines()) == 4
    assert 0 <= json.loads(done.stdout.splitlines()[-1])["scores"]["hmm"]["aer"] < 0.5


def test_translate_with_a_file_and_references(files: Path) -> None:
    (files / "in.txt").write_text("one\n\ntwo\n", encoding="utf-8")
    (files / "known.tsv").write_text("one\tuno\ntwo\tdos\n", encoding="utf-8")
    (files / "ref.txt").write_text("uno\n\ndos\n", encoding="utf-8")
    done = harness("translate", "in.txt", *LANGUAGES, "--translator", "file", f"translator.path={files / 'known.tsv'}",
                   "-o", "out.txt", "--score", "ref.txt", "--json", cwd=files)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (files / "out.txt").read_text(encoding="utf-8") == "uno\n\ndos\n"
    assert json.loads(done.stdout.splitlines()[-1])["scores"]["file"]["chrf"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("project", "source.conll", "gold.conll"), r"4 sentences and .* lines"),
        (("project", "none.conll", "target.txt"), "no such file"),
        (("project", "source.conll", "target.txt", "--aligner", "hmn"), "hmn"),
        (("project", "source.conll", "target.txt", "--aligner", "hmm,eflomal"), "compared by --score"),
        (("project", "source.conll", "target.txt", "data.name=x"), "has no place here"),
        (("project", "source.conll", "target.txt", "--score", "gold.conll"), "3 sentences, 4 are projected"),
        (("align", "source.conll", "target.txt", "--write-priors", "p"), "use --aligner eflomal"),
        (("translate", "target.txt", "--translator", "file"), "translator.path=FILE"),
        (("translate", "target.txt", "--ranking", "r"), "--ranking keeps scores; give --score as well"),
        (
            ("translate", "target.txt", "--score", "gold.conll"),
            r"target.txt has 4 sentences and gold.conll \d+ references",
        ),
        (("translate", "empty.txt", "--score", "empty.txt"), "empty.txt has 0 sentences and empty.txt 0 references"),
        (("project", "source.conll", "target.txt", "--learn-from", "latin1"), "latin1:1: not UTF-8"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(files: Path, arguments: tuple[str, ...], sentence: str) -> None:
    (files / "latin1").write_bytes("niño\tboy\n".encode("latin1"))
    (files / "empty.txt").touch()
    done = harness(*arguments, *LANGUAGES, "-o", "out", cwd=files)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    import re

    assert re.search(sentence, done.stderr)
    assert not (files / "out").exists()


def test_a_no_break_space_stays_in_its_token_and_ids_are_those_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text(
        '{"id": "doc-7", "text": "Give 1000 mg to Anna", "spans": [{"start": 5, "end": 12, "label": "X"}]}\n',
        encoding="utf-8",
    )
    (tmp_path / "t.txt").write_text("Donner 1\u00a0000 mg à Anna\n", encoding="utf-8")
    (tmp_path / "l").write_text("0-0 1-1 2-2 3-3 4-4\n", encoding="utf-8")
    done = harness("project", "s.jsonl", "t.txt", "--source-language", "en", "--target-language", "fr", "--pretokenised",
                   "--alignments", "l", "-o", "out.jsonl", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    line = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    assert (line["id"], line["text"]) == ("doc-7", "Donner 1\u00a0000 mg à Anna")
    assert line["spans"] == [{"start": 7, "end": 15, "label": "X"}]


def test_scores_of_translations_are_sacrebleus() -> None:
    import sacrebleu

    made, reference = ["the cat sat on the mat"], ["the cat is on the mat"]
    scores = translation_scores(made, reference, "en")
    assert scores["bleu"] * 100 == pytest.approx(sacrebleu.corpus_bleu(made, [reference]).score)
    assert scores["chrf"] * 100 == pytest.approx(sacrebleu.corpus_chrf(made, [reference]).score)
    assert translation_scores(["我今天去"], ["我今天去北京"], "zh")["bleu"] >= 0


REAL = Path(os.environ.get("HARNESS_REAL_DATA", "")) / "projection" / "en-es.test.jsonl"


@pytest.mark.skipif(not os.environ.get("HARNESS_REAL_DATA") or not REAL.is_file(), reason="set HARNESS_REAL_DATA")
@pytest.mark.parametrize(("aligner", "least"), [("hmm", 0.88), ("eflomal", 0.96), ("awesome", 0.945)])
def test_projection_on_manual_gold_is_as_good_as_stated(tmp_path: Path, aligner: str, least: float) -> None:
    from tests.transfer.test_align import has_eflomal

    if aligner == "eflomal" and not has_eflomal():
        pytest.skip("pip install eflomal")
    rows = [json.loads(line) for line in REAL.read_text(encoding="utf-8").splitlines()]
    more = [json.loads(line) for line in REAL.with_name("en-es.train.jsonl").read_text(encoding="utf-8").splitlines()]
    write_conll(tmp_path / "s.conll", [list(zip(r["source_tokens"], r["source_tags"], strict=True)) for r in rows])
    write_conll(tmp_path / "g.conll", [list(zip(r["target_tokens"], r["gold_tags"], strict=True)) for r in rows])
    (tmp_path / "t.txt").write_text("".join(" ".join(r["target_tokens"]) + "\n" for r in rows), encoding="utf-8")
    pairs = "".join(" ".join(r["source_tokens"]) + "\t" + " ".join(r["target_tokens"]) + "\n" for r in more)
    (tmp_path / "more.tsv").write_text(pairs, encoding="utf-8")
    chosen = ["--aligner", aligner, "--learn-from", "more.tsv"]
    if aligner == "awesome":
        links = "".join(r["alignments"]["awesome"] + "\n" for r in rows)
        (tmp_path / "links").write_text(links, encoding="utf-8")
        chosen = ["--alignments", "links"]
    done = harness("project", "s.conll", "t.txt", *LANGUAGES, "--pretokenised", *chosen, "-o", "o.jsonl", "--score",
                   "g.conll", "--json", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    (scores,) = json.loads(done.stdout.splitlines()[-1])["scores"].values()
    assert scores["span_f1"] >= least
