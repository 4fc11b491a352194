"""Encoders, training, prediction and folders, on models of some thousand parameters."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

from harness.config import EncoderCard, TrainerConfig
from harness.evaluation.measures import measures
from harness.evaluation.spans import count_spans
from harness.machine.store import MemoryStore
from harness.model.checkpoint import BEST
from harness.model.contract import model_size
from harness.model.datamodule import encode_corpus
from harness.model.encoder_memory import EncoderMemory
from harness.model.encoding import windows
from harness.model.open import load_encoder
from harness.model.plan import TrainingData, TrainingPlan, Watch
from harness.model.train import Trained, train
from harness.model.trained import TrainedTagger, load_tagger
from harness.values.errors import ConfigError, DataError
from harness.values.labels import tag_names
from harness.values.records import Sentence, Span

LABELS = ("PER", "LOC")
TAGS = tag_names(LABELS)


def card(kind: str, tiny_bert: Path) -> EncoderCard:
    if kind == "char-bilstm":
        return EncoderCard(
            name=kind, kind="char-bilstm", filters=16, hidden_units=16, byte_dimensions=8, learning_rate=1e-2
        )
    return EncoderCard(name="tiny", path=str(tiny_bert), learning_rate=5e-3)


def toy(count: int, language: str = "en") -> list[Sentence]:
    names, places = ("anna", "bert", "carla"), ("rome", "oslo", "lima")
    made = []
    for number in range(count):
        name, place = names[number % 3], places[number // 3 % 3]
        text = f"{name} went to {place} on day {number}."
        start = text.index(place)
        spans = (Span(0, len(name), "PER"), Span(start, start + len(place), "LOC"))
        made.append(Sentence(str(number), text, language, spans))
    return made


def score_toy_dev(gold: list, spans: list) -> dict[str, float]:  # type: ignore[type-arg]
    return measures(count_spans(gold, spans, LABELS), LABELS)


def plan(kind: str, tiny_bert: Path, *, seed: int = 1, epochs: int = 6, **settings: object) -> TrainingPlan:
    chosen = {"batch_size": 8, "threads": 1, "max_length": 64, "window_overlap": 8, "precision": "32", **settings}
    encoder = card(kind, tiny_bert)
    assert encoder.learning_rate is not None
    return TrainingPlan(encoder, LABELS, TrainerConfig.model_validate(chosen), encoder.learning_rate, epochs, seed)


def toy_data(train: list[Sentence] | None = None, dev: list[Sentence] | None = None) -> TrainingData:
    dev = toy(9) if dev is None else dev
    return TrainingData(toy(48) if train is None else train, dev, partial(score_toy_dev, [s.spans for s in dev]))


def fit(kind: str, tiny_bert: Path, tmp_path: Path, *, memory: EncoderMemory | None = None, **settings: Any) -> Trained:
    folder = tmp_path / f"training-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    return train(plan(kind, tiny_bert, **settings), toy_data(), memory=memory or EncoderMemory(), folder=folder)


KINDS = ["char-bilstm", "transformer"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_learns_and_its_folder_predicts_the_same(kind: str, tiny_bert: Path, tmp_path: Path) -> None:
    # Without patience: the first epochs of a model this small find nothing.
    model = fit(kind, tiny_bert, tmp_path, epochs=25 if kind == "char-bilstm" else 6, patience=None)
    assert model.training.best_score > 0.9
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


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_weights_cold_and_warm(kind: str, tiny_bert: Path, tmp_path: Path) -> None:
    warm = EncoderMemory()
    fit(kind, tiny_bert, tmp_path, memory=warm, seed=2, epochs=2)
    states = [
        fit(kind, tiny_bert, tmp_path, memory=memory, epochs=2).tagger.network.state_dict()
        for memory in (EncoderMemory(), EncoderMemory(), warm)
    ]
    for other in states[1:]:
        assert all(torch.equal(states[0][name], other[name]) for name in states[0])
    third = fit(kind, tiny_bert, tmp_path, seed=3, epochs=2).tagger.network.state_dict()
    assert any(not torch.equal(states[0][name], third[name]) for name in third)


def test_logits_equal_transformers_own(tiny_bert: Path) -> None:
    network, coder = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    network.reset(1)
    network.eval()
    sentences = toy(5)
    corpus = encode_corpus(sentences, coder, overlap=8)
    ours = network(coder.collate(corpus.windows))
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    theirs = []
    for sentence, encoded in zip(sentences, corpus.encoded, strict=True):
        batch = tokenizer(sentence.text, return_tensors="pt")
        assert batch["input_ids"][0, 1:-1].tolist() == encoded.pieces.tolist()
        theirs.append(network.model(**batch).logits[0][encoded.first + 1])
    assert torch.allclose(ours, torch.cat(theirs), atol=1e-5)


def test_the_pipeline_of_transformers_finds_the_same_spans(tiny_bert: Path, tmp_path: Path) -> None:
    model = fit("transformer", tiny_bert, tmp_path, epochs=3)
    folder = model.tagger.save(tmp_path / "model")
    tagger = pipeline("token-classification", str(folder), aggregation_strategy="first")
    for sentence, spans in zip(toy(12), load_tagger(folder).predict(toy(12)).spans, strict=True):
        found = [(one["start"], one["end"], one["entity_group"]) for one in tagger(sentence.text)]
        assert found == [tuple(span) for span in spans]
    assert AutoModelForTokenClassification.from_pretrained(folder).config.id2label == dict(enumerate(TAGS))


def test_weights_load_in_float32_whatever_the_checkpoint_says(tiny_bert: Path, tmp_path: Path) -> None:
    from transformers import BertModel

    BertModel.from_pretrained(tiny_bert, dtype=torch.bfloat16).save_pretrained(tmp_path / "half")
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path / "half")
    network, _ = load_encoder(EncoderCard(name="x", path=str(tmp_path / "half")), TAGS, max_length=64)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_sizes_are_counted(tiny_bert: Path) -> None:
    network, _ = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    size = model_size(network)
    head = 32 * len(TAGS) + len(TAGS)
    assert (size.parameters_millions - size.encoder_parameters_millions) * 1e6 == pytest.approx(head)
    assert size.size_mb == pytest.approx(size.parameters_millions * 4)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/nowhere/at/all", "no such folder"),
        ("nobody/unheard-of", "the Hugging Face hub cannot be reached"),
        ("{tmp}", "holds no config.json"),
        ("{tmp}/bin", "has no safetensors weights"),
    ],
)
def test_an_encoder_that_cannot_be_loaded_is_one_sentence(
    path: str, fault: str, tiny_bert: Path, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "bin" / name).write_bytes((tiny_bert / name).read_bytes())
    torch.save({}, tmp_path / "bin" / "pytorch_model.bin")
    with pytest.raises(ConfigError, match=fault):
        load_encoder(EncoderCard(name="x", path=path.format(tmp=tmp_path)), TAGS, max_length=64)


def test_code_of_a_repository_is_never_run(tiny_bert: Path, tmp_path: Path) -> None:
    config = json.loads((tiny_bert / "config.json").read_text())
    config |= {
        "model_type": "evil",
        "auto_map": {"AutoConfig": "evil.Evil", "AutoModelForTokenClassification": "evil.Evil"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(ConfigError, match="does not execute"):
        load_encoder(EncoderCard(name="x", path=str(tmp_path)), TAGS, max_length=64)


def test_gradients_of_windows_are_counted_once(tiny_bert: Path) -> None:
    _, coder = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    long = Sentence("1", " ".join(["anna went to rome ."] * 40), "en")
    encoded = coder.encode([long])
    made = windows(encoded, longest=coder.longest, overlap=16)
    assert len(made) > 3
    assert sum(len(window.words) for window in made) == len(encoded[0].words)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_finds_nothing_has_collapsed(kind: str, tiny_bert: Path, tmp_path: Path) -> None:
    data = toy_data([sentence.with_spans(()) for sentence in toy(16)], toy(6))
    model = train(plan(kind, tiny_bert, epochs=1), data, memory=EncoderMemory(), folder=tmp_path)
    assert model.training.collapsed == "no entity of the dev set was ever found"


def test_a_loss_that_is_no_number_has_collapsed(tiny_bert: Path, tmp_path: Path) -> None:
    class Broken(EncoderMemory):
        def load(self, *arguments: Any) -> Any:
            network, coder = super().load(*arguments)
            with torch.no_grad():
                next(network.parameters()).fill_(float("nan"))
            return network, coder

    result = train(plan("transformer", tiny_bert, epochs=3), toy_data(), memory=Broken(), folder=tmp_path).training
    assert result.collapsed == "the training loss is not a finite number"
    assert result.epochs == 1


def test_training_stops_when_dev_no_longer_improves_and_keeps_the_best(tiny_bert: Path, tmp_path: Path) -> None:
    scores = iter([0.2, 0.5, 0.4, 0.3, 0.9])
    settings = plan("transformer", tiny_bert, epochs=9, patience=2, accumulate_batches=2)
    data = TrainingData(toy(8), toy(8), lambda spans: {"entity_f1": next(scores)})
    kept: dict[int, Any] = {}

    def on_epoch(epoch: int, values: dict[str, float]) -> None:
        kept[epoch] = load_file(tmp_path / BEST)

    model = train(settings, data, memory=EncoderMemory(), folder=tmp_path, watch=Watch(on_epoch=on_epoch))
    result = model.training
    assert (result.epochs, result.best_epoch, result.best_score) == (4, 2, 0.5)
    state = model.tagger.network.state_dict()
    assert all(torch.equal(kept[2][name], state[name]) for name in kept[2])
    assert any(not torch.equal(kept[1][name], state[name]) for name in kept[1])


def test_tokenised_corpora_come_back_from_the_cache_unchanged(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.model.encoder_memory.STORED_FROM", 3)
    _, coder = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    made = EncoderMemory().encode(toy(6), coder, 8)

    def forbidden(sentences: object) -> None:
        raise AssertionError("tokenised again")

    monkeypatch.setattr(coder, "encode", forbidden)
    read = EncoderMemory().encode(toy(6), coder, 8)
    for one, other in zip(made.encoded, read.encoded, strict=True):
        assert one.words == other.words
        assert np.array_equal(one.pieces, other.pieces)
        assert np.array_equal(one.first, other.first)


def test_a_restricted_corpus_leaves_nothing_in_the_cache(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.machine.store import cache_folder

    monkeypatch.setattr("harness.model.encoder_memory.STORED_FROM", 3)
    _, coder = load_encoder(card("transformer", tiny_bert), TAGS, max_length=64)
    EncoderMemory(MemoryStore()).encode(toy(6), coder, 8)
    assert not cache_folder().exists()


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


def test_raw_text_words_of_other_tokenizers_keep_punctuation_apart(tmp_path: Path) -> None:
    # A tokenizer whose own words end at blanks only, as XLM-R's: the comma must not join the entity.
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    from harness.model.transformer import TransformerCoder

    inner = Tokenizer(
        models.Unigram(
            [("<unk>", 0.0), ("▁", -2.0), *((char, -3.0) for char in "abcdefghijklmnopqrstuvwxyz,.R")], unk_id=0
        )
    )
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", pad_token="<unk>")
    coder = TransformerCoder(tokenizer, longest=64, max_length=64)
    (encoded,) = coder.encode([Sentence("1", "in Rome, now", "en")])
    assert ["in Rome, now"[start:end] for start, end in encoded.words] == ["in", "Rome", ",", "now"]
    assert (encoded.first >= 0).all()


@pytest.mark.slow
def test_two_devices_train_one_model(tiny_bert: Path, tmp_path: Path) -> None:
    model = fit("transformer", tiny_bert, tmp_path, devices=2, accelerator="cpu", epochs=6)
    assert model.training.best_score > 0.5
    assert model.training.epochs == 6


@pytest.mark.gpu
def test_a_gpu_trains_and_predicts(tiny_bert: Path, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    model = fit("transformer", tiny_bert, tmp_path, accelerator="gpu", precision="bf16")
    assert model.training.best_score > 0.9
