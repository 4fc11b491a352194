"""Every command of README, CONTRIBUTING and docs is extracted and run, page by page, in a folder laid out as they say.

Small networks stand in for encoders and translators, as cards of the same names in the user's own folder: the commands
themselves are run as written. What needs the network, another program or root is checked as far as it goes: options
exist, files are there, versions are those of the lock. The log is history, so its commands are left out.
"""

import json
import re
import shlex
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from harness import cli
from harness.config.compose import group_options
from tests.conftest import toy_sentences, write_conll
from tests.synthesis.generate_cases import FaultyServer

cli._register()
ROOT = Path(__file__).parents[1]
TUTORIAL = ("own_corpus", "prescriptions", "which_method", "paper_table")
"""Read in this order: each goes on with what the one before has made."""
GUIDES = ("data", "methods", "translation", "synthesis", "evaluation", "sweeps", "tracking", "demo", "containers")
PAGES = [ROOT / "docs" / f"{name}.md" for name in (*TUTORIAL, *GUIDES)]
OTHERS = sorted(
    {*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"} - {ROOT / "docs" / "LOG.md"}
)

STAND_INS = {
    "seeds: [1, 2, 3]": "seeds: [1]",  # time
    " --workers 2": "",  # pytest's workers have a core each
    "trainer.learning_rate=3e-4": "trainer.learning_rate=1e-2",  # what the network from scratch needs
}
"""Replaced in the pages before their commands are run."""


def blocks(path: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(path: Path) -> list[str]:
    """Return the shell lines of a page, continued ones joined."""
    lines = "".join(blocks(path, "sh")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def replaced(text: str) -> str:
    for written, standing in STAND_INS.items():
        text = text.replace(written, standing)
    return text


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a clone, with the cards and sweeps that pages show, and small cards under known names."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("src", "docker", "docs", "benchmarks", "requirements.lock", "constraints.txt", "Makefile"):
        (folder / name).symlink_to(ROOT / name)
    cards = folder / "cards"
    for group in ("data", "encoder", "translator", "aligner"):
        (cards / group).mkdir(parents=True)
    for page in PAGES:
        for text in blocks(page, "yaml"):
            name = re.match(r"name: ([\w-]+)", text)
            if name and "labels:" in text:
                (cards / "data" / f"{name[1]}.yaml").write_text(text, encoding="utf-8")
            elif name:
                (folder / f"{name[1]}.yaml").write_text(replaced(text), encoding="utf-8")
    small = "kind: char-bilstm\nfilters: 32\nhidden_units: 48\nbyte_dimensions: 8\nbf16: false\nlearning_rate: 1e-2\n"
    for name in group_options("encoder"):
        (cards / "encoder" / f"{name}.yaml").write_text(f"name: {name}\n{small}", encoding="utf-8")
    mini = ROOT / "src" / "harness" / "corpora" / "rx_mini"
    texts: list[str] = []
    for path, language in [*((path, "en") for path in mini.glob("en/*.txt")), (mini / "fr" / "test.txt", "fr")]:
        words = folder / "words.conll"
        done = CliRunner().invoke(
            cli.app, ["data", "convert", str(path), str(words), "--language", language, "--from", "inline"]
        )
        assert done.exit_code == 0, done.output
        sentences = words.read_text(encoding="utf-8").strip().split("\n\n")
        texts += [
            " ".join(line.split("\t")[0] for line in sentence.splitlines() if "\t" in line) for sentence in sentences
        ]
    (folder / "table.tsv").write_text("".join(f"{line}\t{line}\n" for line in texts), encoding="utf-8")
    for name in ("apertium", "opus-mt", "ctranslate2"):
        card = f"name: {name}\nkind: file\npath: {folder}/table.tsv\n"
        (cards / "translator" / f"{name}.yaml").write_text(card, encoding="utf-8")
    hmm = group_options("aligner")["hmm"].read_text(encoding="utf-8")
    (cards / "aligner" / "joint.yaml").write_text(hmm.replace("name: hmm", "name: joint"), encoding="utf-8")
    _files(folder)
    return folder


def _files(folder: Path) -> None:
    """Write the user's files that pages name: texts, labelled sentences, raw answers, a model's predictions."""
    pairs = [(f"anna went to {place} .", f"anna fue a {place} .") for place in ("rome", "oslo", "lima", "kyiv") * 6]
    (folder / "texts.txt").write_text("".join(f"{source}\n" for source, _ in pairs), encoding="utf-8")
    for name in ("labelled.es.txt", "reference.es.txt"):
        (folder / name).write_text("".join(f"{target}\n" for _, target in pairs), encoding="utf-8")
    tags = ("B-PER", "O", "O", "B-LOC", "O")
    for name, column in (("labelled.conll", 0), ("gold.es.conll", 1)):
        write_conll(folder / name, [list(zip(pair[column].split(), tags, strict=True)) for pair in pairs])
    (folder / "pairs.tsv").write_text("".join(f"{source}\t{target}\n" for source, target in pairs), encoding="utf-8")
    (folder / "prescriptions.txt").write_text("Doliprane 1 g matin et soir\n", encoding="utf-8")
    uner = folder / "uner"
    for place in ("en_ewt", "sv_talbanken", "da_ddt", "sk_snk"):
        for split in ("train", "dev", "test"):
            write_conll(uner / place / f"{split}.conll", toy_sentences(8, {"train": 0, "dev": 20, "test": 40}[split]))
    items = [{"tokens": ["Anna", "bor", "i", f"Lund{number}", "."], "ner_tags": [1, 0, 0, 5, 0]} for number in range(9)]
    content = json.dumps({"ner_datapoints": items})
    raw = {"response": {"choices": [{"message": {"content": content}}]}}
    (folder / "raw.jsonl").write_text(json.dumps(raw) + "\n", encoding="utf-8")
    text = [
        {"text": f"Prendre Doliprane {n} g le soir", "entities": [{"text": "Doliprane", "label": "DRUG"}]}
        for n in range(9)
    ]
    (folder / "answers.jsonl").write_text(
        json.dumps({"text": json.dumps({"sentences": text})}) + "\n", encoding="utf-8"
    )


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A model's server, as prompts of prescriptions are answered."""
    answers = [
        json.dumps({"sentences": [{"text": f"Prendre Doliprane {number}{n} g chaque soir pendant {number + n} jours",
                                   "entities": [{"text": "Doliprane", "label": "DRUG"}]} for n in range(3)]})
        for number in range(4)
    ]  # fmt: skip
    running = FaultyServer(answers=answers)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def run(line: str, folder: Path) -> None:
    """Run a line of a page, or check what can be checked of it."""
    before, pipe, after = line.partition(" | ")
    words = shlex.split(after if pipe else before, comments=True)
    program, *rest = words
    name = program.rpartition("/")[2]
    if name == "harness":
        _harness(rest, shlex.split(before)[1] + "\n" if pipe else None, line)
    elif name == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert all(f"\n{target}:" in makefile for target in rest), line
    elif name == "mkdir":
        Path(rest[-1]).mkdir(parents=True, exist_ok=True)
    elif name in CHECKED:
        CHECKED[name](rest, line)
    else:
        raise AssertionError(f"no way to run or check: {line}")


NOT_RUN = {
    "ui": "a server that does not end",
    "demo-best": "what make demo leaves",
    "apertium": "Debian's apertium and apertium-eng-spa",
}
"""Commands whose options alone are checked, by a word in them, and why."""


def _harness(words: list[str], stdin: str | None, line: str) -> None:
    options_exist(words, line)
    if any(word == key or word.endswith(key) for key in NOT_RUN for word in words if not word.startswith("name")):
        return
    if "apertium,opus-mt" in words:
        return
    done = CliRunner().invoke(cli.app, words, input=stdin, catch_exceptions=False)
    assert done.exit_code == 0, f"{line}\n{done.output}"


def options_exist(words: list[str], line: str) -> None:
    """Follow the words through the commands, and look up each option."""
    command: Any = typer.main.get_command(cli.app)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"{line}: no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    known |= {"--help", "-h", "--debug", "--quiet", "-q", "--version"}
    for word in words:
        if re.match(r"--?[a-zA-Z]", word):
            assert word.partition("=")[0] in known, f"{line}: no option {word}"


def _pip(words: list[str], line: str) -> None:
    """What is installed is the lock, this clone, or an extra with the version of the lock."""
    pinned = (ROOT / "requirements.lock").read_text(encoding="utf-8") + (ROOT / "constraints.txt").read_text(
        encoding="utf-8"
    )
    extras = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    takes = {"-r", "-c", "-d", "--find-links", "--requirement", "--constraint", "--editable"}
    skip = False
    for word in words[1:]:
        if skip or word.startswith("-"):
            if skip and word.endswith((".lock", ".txt")):
                assert (ROOT / word).is_file(), line
            skip = word in takes
            continue
        name = word.partition("==")[0].partition("[")[0]
        assert word == "." or (
            word in pinned if "==" in word else f"\n{name}==" in pinned or re.search(rf'"{name}(\[\w+\])?>=', extras)
        ), line


def _docker(words: list[str], line: str) -> None:
    if words[0] == "build":
        assert (ROOT / words[words.index("-f") + 1]).is_file(), line
    else:
        image = next(place for place, word in enumerate(words) if word.startswith("ner-harness"))
        options_exist(words[image + 1 :], line)


def _hub(words: list[str], line: str) -> None:
    """The revision that is downloaded is the one of the card."""
    cards = [path.read_text(encoding="utf-8") for path in group_options("encoder").values()]
    assert any(f"path: {words[1]}\n" in card and f"revision: {words[3]}\n" in card for card in cards), line


def _python(words: list[str], line: str) -> None:
    if words[:1] == ["-m"] and words[1].startswith("benchmarks"):
        assert (ROOT / (words[1].replace(".", "/") + ".py")).is_file() or (ROOT / words[1]).is_dir(), line


def _nothing(words: list[str], line: str) -> None:
    """Lines of the shell itself."""


CHECKED = {
    "pip": _pip,
    "docker": _docker,
    "hf": _hub,
    "python": _python,
    "python3": _python,
    ".": _nothing,
    "export": _nothing,
}


@pytest.fixture
def at_desk(desk: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(desk)
    monkeypatch.setenv("HARNESS_CACHE", str(desk / "cache"))
    monkeypatch.setenv("UNER_DIR", str(desk / "uner"))
    return desk


def test_the_commands_of_the_pages_run(at_desk: Path, server: str) -> None:
    """One test, since a page goes on where another has ended."""
    for page in PAGES:
        for line in commands(page):
            run(replaced(line).replace("http://127.0.0.1:8000", server), at_desk)
    for page in (ROOT / "README.md", ROOT / "docs" / "onnx.md", ROOT / "docs" / "python.md"):
        for line in commands(page):
            run(replaced(line).replace("method.ratio=0.4", "method.ratio=0.4 trainer.max_steps=60"), at_desk)


def test_every_page_with_commands_is_run_and_every_stand_in_is_needed() -> None:
    run_pages = {*PAGES, ROOT / "README.md", ROOT / "docs" / "onnx.md", ROOT / "docs" / "python.md"}
    assert {page for page in OTHERS if commands(page)} <= run_pages
    everything = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert not [written for written in STAND_INS if written not in everything]


@pytest.mark.parametrize("page", OTHERS, ids=lambda path: path.name)
def test_commands_in_running_text_have_the_options_they_name(page: Path) -> None:
    for line in re.findall(r"`(?:\.venv/bin/)?harness ([^`]+)`", page.read_text(encoding="utf-8")):
        words = re.sub(r"[\[\]…|]", " ", line).replace("RUN best", "RUN").split()
        if words and words[0][0].isalpha():
            options_exist(words, line)
    for program, rest in re.findall(r"`(pip|python|make) ([^`]+)`", page.read_text(encoding="utf-8")):
        if "NAME" not in rest:
            run(f"{program} {rest}", ROOT)


def test_a_wrong_command_is_noticed() -> None:
    with pytest.raises(AssertionError, match="no command"):
        options_exist(["trian"], "x")
    with pytest.raises(AssertionError, match="no option --wrokers"):
        options_exist(["sweep", "x", "--wrokers", "2"], "x")
    with pytest.raises(AssertionError, match="no way to run"):
        run("curl somewhere", ROOT)
    with pytest.raises(AssertionError, match="its name is taken"):
        _pip(["install", "harness"], "its name is taken")
    assert shutil.which("make"), "the first command of README"
