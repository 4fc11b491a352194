"""YAML that anybody may have written."""

import time
from pathlib import Path

import pytest

from harness.config import compose_config
from harness.config.yaml_files import load_yaml
from harness.values.errors import ConfigError

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


def load(tmp_path: Path, text: str | bytes) -> object:
    path = tmp_path / "x.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_yaml(path)


def test_words_are_words_and_numbers_are_numbers(tmp_path: Path) -> None:
    text = "no: [NO, no, off, yes, true]\nrate: 1e-4\nday: 2001-01-01\nn: 0.5\nempty:\n1: x\n"
    assert load(tmp_path, text) == {
        "no": ["NO", "no", "off", "yes", True], "rate": 1e-4, "day": "2001-01-01", "n": 0.5, "empty": None, "1": "x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (BOMB, "its aliases stand for more than 100000 values"),
        ("a: &a [*a]\n", "its aliases stand for more than"),
        ("a: 1\na: 2\n", "x.yaml:2: not YAML: the key 'a' comes twice"),
        ("a: !!python/object/apply:os.system ['true']\n", "not YAML: could not determine a constructor"),
        ("a: [", "x.yaml:1: not YAML"),
        ("a: \x1d\n", "not YAML"),
        ("? [a, b]\n: c\n", "a key must be a word"),
        ("[" * 5000, "nested too deeply"),
        ("a: Köln".encode("latin-1"), "x.yaml:1: not UTF-8"),
        ("train: {path: ${oc.env:HOME}/x}\n", "quote a value that begins with"),
        ("a: " + "x" * 3_000_000, "a file of settings may have"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_within_a_second(text: str | bytes, fault: str, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(ConfigError, match=fault) as caught:
        load(tmp_path, text)
    assert time.monotonic() - started < 5  # minutes before; the bound is generous for a busy machine
    assert len(str(caught.value)) < 1000


def card(toy_card: Path, **changes: str) -> Path:
    path = toy_card / "data" / "toy.yaml"
    text = path.read_text()
    for old, new in changes.items():
        text = text.replace({"labels": "labels: [PER, LOC]", "source": "source:", "sv": "  sv:"}[old], new)
    path.write_text(text)
    return toy_card


def test_norwegian_is_a_language_and_no_a_label(toy_card: Path) -> None:
    folder = card(toy_card, sv="  no:", labels="labels: [PER, LOC, NO]\nlabel_map: {off: null}")
    config = compose_config(["data=toy"], folder)
    assert list(config.data.targets) == ["no", "sw"]
    assert config.data.labels == ("PER", "LOC", "NO")
    assert config.data.label_map == {"off": None}


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        (
            "labels: [PER, LOC]\ndescription: ${oc.env:OPENAI_API_KEY}",
            "data.description: .* is allowed in the paths of data",
        ),
        ("labels: [PER, LOC]\ncitation: 'x ${oc.env:HOME}'", "data.citation"),
        ("labels: [PER, '${oc.env:HOME}']", "data.labels.1"),
        ("labels: [PER, LOC]\nurl: ${data.source.train.path}", "data.url"),
    ],
)
def test_a_card_carries_no_variable_of_this_machine_out(
    labels: str, fault: str, toy_card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with pytest.raises(ConfigError, match=fault) as caught:
        compose_config(["data=toy"], card(toy_card, labels=labels))
    assert "sk-secret" not in str(caught.value)


def test_a_path_may_name_a_variable_that_is_no_secret(toy_card: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPORA", "/corpora")
    path = toy_card / "data" / "toy.yaml"
    text = path.read_text()
    path.write_text(text.replace("en/train.conll,", "'${oc.env:CORPORA}/en/train.conll',"))
    config = compose_config(["data=toy"], toy_card)
    assert config.data.source.train is not None
    assert config.data.source.train.path == "/corpora/en/train.conll"
    path.write_text(text.replace("en/train.conll,", "'${oc.env:HF_TOKEN}/en/train.conll',"))
    with pytest.raises(ConfigError, match="sounds like a secret"):
        compose_config(["data=toy"], toy_card)
    path.write_text(text.replace("en/train.conll,", "'${oc.env:A,${oc.env:HF_TOKEN}}',"))
    with pytest.raises(ConfigError, match="data.source.train.path"):
        compose_config(["data=toy"], toy_card)


@pytest.mark.parametrize(
    "override",
    ["data=../../x", "trainer=2", "seed=" + "9" * 5000, "encoder=" + "x" * 5000, "seed=" + "9" * 30_000, "data=a/b"],
)
def test_overrides_that_cannot_be_meant_are_refused(override: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose_config([override])
    assert len(str(caught.value)) < 1000


def test_a_card_sets_the_keys_of_its_own_group_alone(toy_card: Path) -> None:
    path = toy_card / "data" / "toy.yaml"
    path.write_text("# @package _global_\ntracking: {uri: http://elsewhere:5000}\ndata:\n  name: x\n")
    with pytest.raises(ConfigError, match="one from elsewhere can change nothing else"):
        compose_config(["data=toy"], toy_card)


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("encoder.path=owner/${oc.env:CORPORA}", "must be a local path"),
        ("encoder.path=${oc.env:PLAIN}", "must be a local path"),
        ("encoder.path=${oc.env:DATABASE_URL}", "sounds like a secret"),
        ("encoder.path=/x/${oc.env:HF_PAT}", "sounds like a secret"),
        ("synthesis.definitions={path: '${oc.env:CORPORA}'}", "is allowed in the paths of data"),
        ("translator.pairs={en-es: '${oc.env:CORPORA}/x'}", ""),
        ("encoder.path=${oc.env:CORPORA}/m", ""),
    ],
)
def test_no_variable_reaches_a_hub_or_a_prompt(override: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"CORPORA": "/c", "PLAIN": "word", "DATABASE_URL": "/s", "HF_PAT": "s"}.items():
        monkeypatch.setenv(name, value)
    overrides = ["encoder=hf", "encoder.path=x", override]
    if fault:
        with pytest.raises(ConfigError, match=fault):
            compose_config(overrides)
    else:
        compose_config(overrides)


def test_a_key_of_its_own_goes_before_a_merged_one(tmp_path: Path) -> None:
    assert load(tmp_path, "b: &b {a: 1, c: 3}\nx: {<<: *b, a: 2}\n") == {"b": {"a": 1, "c": 3}, "x": {"a": 2, "c": 3}}
