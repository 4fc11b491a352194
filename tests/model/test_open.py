"""Encoders, training, prediction and folders, on models of some thousand parameters."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from harness.config import EncoderCard
from harness.model.open import load_encoder
from harness.values.errors import ConfigError
from tests.model.models_cases import TAGS


def test_weights_load_in_float32_whatever_the_checkpoint_says(tiny_bert: Path, tmp_path: Path) -> None:
    from transformers import BertModel

    BertModel.from_pretrained(tiny_bert, dtype=torch.bfloat16).save_pretrained(tmp_path / "half")
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(tmp_path / "half")
    network, _ = load_encoder(EncoderCard(name="x", path=str(tmp_path / "half")), TAGS, max_length=64)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


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
