"""Generation against a real server on loopback with faults, resumption, budgets, batch files, and the command line."""

import json
from pathlib import Path

import pytest

from tests.test_cli import harness


def test_rubbish_ends_with_clear_accounts_no_corpus_and_exit_code_1(toy_card: Path, tmp_path: Path, serve) -> None:  # type: ignore[no-untyped-def]
    _, url = serve(answers=["asdf ;;; qwer", "{]", ""])
    done = harness(
        "synthesize", "generate", "--language", "sv", "-o", "sv.jsonl", "--data", "toy", "--config-dir", str(toy_card),
        "--calls", "3", "synthesis=general", "synthesis.model=m", f"synthesis.base_url={url}", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "no sentence is left of 0 items in 3 answers; no corpus is written" in done.stderr
    value = json.loads(done.stdout.splitlines()[-1])
    assert (value["answers"], value["answers_without_items"], value["items"], value["kept"]) == (3, 3, 0, 0)
    assert not (tmp_path / "sv.jsonl").exists()
    assert (tmp_path / "sv.answers.jsonl").exists()


def test_import_on_the_command_line(tmp_path: Path) -> None:
    items = [{"tokens": ["Anna", "bor", "i", f"by{n}"], "ner_tags": [1, 0, 0, 5 if n else 9]} for n in range(4)]
    rows = [
        {"r": {"c": [{"m": json.dumps(items[:2])}]}},
        {"r": {"c": [{"m": json.dumps({"x": items[2:]})}]}},
        {"r": None},
    ]
    (tmp_path / "raw.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = ("synthesize", "import", "raw.jsonl", "--text-field", "r.c.0.m", "--tag-legend",
               "O,B-PER,I-PER,B-ORG,I-ORG,B-LOC,I-LOC", "--language", "swe", "-o", "out.jsonl", "--rejects", "rej.jsonl")  # fmt: skip
    done = harness(*command, "--filter", "none", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout.splitlines()[-1])
    assert {
        "answers": 3,
        "items": 4,
        "parsed": 3,
        "kept": 3,
        "rejected": {"tag_out_of_range": 1},
        "filtered": {},
    }.items() <= value.items()
    first = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["text"] == "Anna bor i by1" and first["language"] == "sv"
    assert first["spans"] == [{"start": 0, "end": 4, "label": "PER"}, {"start": 11, "end": 14, "label": "LOC"}]
    (line,) = (tmp_path / "rej.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["reason"] == "tag_out_of_range"
    page = harness("synthesize", "inspect", "out.jsonl", cwd=tmp_path)
    assert page.returncode == 0 and "class='bars'" in (tmp_path / "out.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("none.jsonl",), "no such file"),
        (("raw.jsonl", "--text-field", "a.b"), "no line has the field 'a.b'; the first line has text"),
        (("raw.jsonl", "--tag-legend", "PER,O"), "tag legend: found"),
        (("raw.jsonl", "--repair", "magic"), "'magic' is unknown; allowed: trailing_tag"),
        (("raw.jsonl", "--filter", "nearest=1"), "nearest: no such key"),
        (("raw.jsonl", "--filter", "language"), "write NAME=VALUE"),
        (("bad.jsonl",), "bad.jsonl:1: not a JSON object"),
    ],
)
def test_wrong_use_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "raw.jsonl").write_text('{"text": "x"}\n', encoding="utf-8")
    (tmp_path / "bad.jsonl").write_text("{\n", encoding="utf-8")
    legend = () if "--tag-legend" in arguments else ("--tag-legend", "O,B-PER")
    done = harness("synthesize", "import", *arguments, *legend, "--language", "sv", "-o", "o.jsonl", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr and len(done.stderr.strip().splitlines()) == 1
