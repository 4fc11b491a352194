"""Every shipped study composes and runs, with tiny models in the place of its own, on its card or on data of its shape.

Cards of the same names in a folder of the user's go before the shipped ones, so the study's files are used as they are:
its grid, its budget and its data card. Of each block of a grid one encoder and two ratios run, for three steps.
"""

import json
from pathlib import Path

import pytest

from harness.config import shipped_folder
from harness.config.compose import group_options
from harness.config.sweep import Sweep
from harness.sweep.launch import launch
from harness.sweep.space import load_sweep
from harness.tracking.records import collect
from harness.tracking.store import Store
from tests.conftest import toy_sentences, write_conll

STUDIES = sorted(path.stem for path in shipped_folder("sweeps").glob("*.yaml"))

CLINICAL = (
    ("take amoxicillin 500 mg capsules twice daily for 7 days", ("amoxicillin", "Drug"), ("500 mg", "Strength")),
    ("start ramipril 5 mg tablets once daily for a month", ("ramipril", "Drug"), ("5 mg", "Strength")),
    ("stop ibuprofen 400 mg tablets at night", ("ibuprofen", "Drug"), ("400 mg", "Strength")),
)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Encoders and engines under the names that studies use: a char-bilstm of a few units, and translations by rote."""
    folder = tmp_path / "tiny"
    for group in ("encoder", "translator", "aligner"):
        (folder / group).mkdir(parents=True)
    for name in group_options("encoder"):
        text = f"name: {name}\nkind: char-bilstm\nfilters: 8\nhidden_units: 8\nbyte_dimensions: 8\nbf16: false\n"
        (folder / "encoder" / f"{name}.yaml").write_text(text, encoding="utf-8")
    table = tmp_path / "table.tsv"
    table.write_text("".join(f"{text}\t{text}\n" for text, *_ in clinical(40)), encoding="utf-8")
    for name in ("opus-mt", "m2m100-418m"):
        (folder / "translator" / f"{name}.yaml").write_text(f"name: {name}\nkind: file\npath: {table}\n")
    hmm = group_options("aligner")["hmm"].read_text(encoding="utf-8")
    for name in ("awesome", "eflomal", "joint", "simalign"):
        (folder / "aligner" / f"{name}.yaml").write_text(hmm.replace("name: hmm", f"name: {name}"), encoding="utf-8")
    return folder


def clinical(count: int) -> list[tuple[str, ...]]:
    """Return English sentences with their entities; the number makes each its own."""
    made = []
    for number in range(count):
        text, *entities = CLINICAL[number % len(CLINICAL)]
        made.append((f"Bed {number}: {text}, then see ward {number} again", *entities))
    return made  # type: ignore[return-value]


def brat(folder: Path, sentences: list[tuple[str, ...]]) -> None:
    """Write one document a sentence, as n2c2 has them."""
    folder.mkdir(parents=True)
    for number, (text, *entities) in enumerate(sentences):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
        lines = []
        for index, (surface, label) in enumerate(entities, 1):  # type: ignore[misc]
            start = text.index(surface)
            lines.append(f"T{index}\t{label} {start} {start + len(surface)}\t{surface}\n")
        (folder / f"{number}.ann").write_text("".join(lines), encoding="utf-8")


def n2c2(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lay out data of the shape of n2c2, MedNERF and GERNERMED++ gold; the test sets are translated by rote."""
    sentences = clinical(40)
    brat(folder / "n2c2" / "training_20180910", sentences[:30])
    brat(folder / "n2c2" / "test", sentences[30:34])
    rows, documents = [], []
    for number, (text, *entities) in enumerate(sentences[34:40], 1):
        words = text.split()
        tags = ["O"] * len(words)
        tags[1] = "B-DRUG"
        rows.append({"tokens": words, "ner_tags": tags})
        spans = [[text.index(surface), text.index(surface) + len(surface), label] for surface, label in entities]  # type: ignore[misc]
        documents.append(json.dumps({"id": number, "text": text, "label": spans}))
    (folder / "mednerf.json").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "OoD-dataset_GoldStandard.jsonl").write_text("\n".join(documents) + "\n", encoding="utf-8")
    monkeypatch.setenv("N2C2_DIR", str(folder / "n2c2"))
    monkeypatch.setenv("GERNERMED_DIR", str(folder))
    here = "data.targets.fr.test"
    return [f"{here}.hub=null", f"{here}.revision=null", f"{here}.files=null", f"{here}.path={folder}/mednerf.json"]


def uner(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lay out data of the shape of Universal NER, MasakhaNER 2 and LLM-written sentences."""
    treebanks = {"en_ewt": "conll", "da_ddt": "conll", "sv_talbanken": "conll", "sk_snk": "conll"}
    news = {"swa": "txt", "yor": "txt", "ibo": "txt", "kin": "txt"}
    for number, (name, ending) in enumerate({**treebanks, **news}.items()):
        for split, count in (("train", 30), ("dev", 6), ("test", 6)):
            offset = 10_000 * number + {"train": 0, "dev": 1000, "test": 2000}[split]
            write_conll(folder / name / f"{split}.{ending}", toy_sentences(count, offset))
    for number, language in enumerate(("da", "sv", "sk", "sw", "yo", "ig", "rw")):
        lines = []
        for index, sentence in enumerate(toy_sentences(40, 200_000 + 1000 * number)):
            tokens, tags = zip(*sentence, strict=True)
            lines.append(json.dumps({"id": str(index), "tokens": tokens, "ner_tags": tags}))
        (folder / f"{language}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in ("UNER_DIR", "MASAKHANER2_DIR", "SYNTHETIC_DIR"):
        monkeypatch.setenv(name, str(folder))
    return []


SHAPES = {"n2c2": n2c2, "uner_masakhaner": uner}
"""Cards whose data is elsewhere → what lays out data of its shape."""


def small(study: Sweep) -> Sweep:
    """Return a study with one encoder and two ratios for each block, one seed, few trials, and sizes of small corpora."""
    sizes = {250: 5, 500: 10, 1000: 20, 2000: 30}
    grid = []
    for block in study.grid:
        made = dict(block)
        for key, values in block.items():
            if key in ("encoder", "translator"):
                made[key] = values[:1]
            if key in ("method.ratio", "aligner"):
                made[key] = values[:2]
            if key == "method.size":
                made[key] = tuple(sizes[int(str(value))] for value in values[:2])
        grid.append(made)
    budget = {"trials": 2} if study.search else {}
    changes = {"grid": tuple(grid), "seeds": (1,), "budget": study.budget.model_copy(update=budget)}
    return study.model_copy(update=changes)


@pytest.mark.parametrize("name", STUDIES)
def test_a_shipped_study_runs_to_its_end(
    name: str, tiny: Path, tracking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = small(load_sweep(name))
    card = next((entry.partition("=")[2] for entry in study.overrides if entry.startswith("data=")), "rx_mini")
    overrides = SHAPES[card](tmp_path, monkeypatch) if card in SHAPES else []
    if card == "rx_mini":
        overrides += ["method.languages=[fr]"]
    quick = [
        "trainer.max_steps=3", "trainer.threads=1", "trainer.evaluations=1", "tracking.system_metrics=false",
        "tracking.checkpoints=none", "tracking.proxies=none", f"tracking.uri={tracking}",
    ]  # fmt: skip
    outcome = launch(
        study, [*overrides, *quick], config_dir=tiny, workers=1, command=f"harness sweep {name}", progress=False
    )
    assert not outcome.failed
    records = collect(Store(tracking), name)
    assert outcome.finished == len(records) > 0
    assert {record.metrics["train/steps"] for record in records} == {3.0}
    assert {record.status for record in records} <= {"FINISHED", "KILLED"}


def test_the_study_of_methods_and_encoders_holds_every_method_without_target_gold() -> None:
    study = load_sweep("method-encoder")
    methods = {str(method) for block in study.grid for method in block["method"]}
    assert methods == set(group_options("method")) - {"target_supervised"}


def test_the_ratio_curve_has_its_three_arms_and_equal_steps() -> None:
    study = load_sweep("ratio-curve")
    assert {fill for block in study.grid for fill in block.get("method.fill", ())} == {"add", "replace", "upsample"}
    assert (study.budget_per_cell, study.budget_amount) == ("steps", 600)
