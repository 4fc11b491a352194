"""Word vectors of an encoder: windows, pieces and layers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from harness.transfer.align.running import running_text
from harness.transfer.align.states import WordStates, by_size, windows
from harness.values.errors import ConfigError


def test_vectors_are_means_of_layers_and_pieces(tiny_bert: Path) -> None:
    running = running_text(("anna", "went"))
    (vectors,) = WordStates(str(tiny_bert), None, (0, 1)).words([running])
    tokenizer, model = AutoTokenizer.from_pretrained(tiny_bert), AutoModel.from_pretrained(tiny_bert).eval()
    with torch.no_grad():
        hidden = model(**tokenizer(running.text, return_tensors="pt"), output_hidden_states=True).hidden_states
    mean = ((hidden[0] + hidden[1]) / 2)[0, 1:-1].numpy()
    assert np.allclose(vectors, [mean[:4].mean(axis=0), mean[4:].mean(axis=0)], atol=1e-5)


def test_long_texts_are_read_in_windows_and_empty_ones_are_nothing(tiny_bert: Path) -> None:
    long = running_text(("anna",) * 90)
    vectors = WordStates(str(tiny_bert), None, (1,)).words([long, running_text(()), running_text(("anna",))])
    assert [one.shape for one in vectors] == [(90, 32), (0, 32), (1, 32)]
    assert np.isfinite(vectors[0]).all() and np.abs(vectors[0]).sum(axis=1).min() > 0


def test_texts_are_read_once_while_there_is_room(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, read = WordStates(str(tiny_bert), None, (1,)), []
    run = encoder._run
    monkeypatch.setattr(encoder, "_run", lambda sequences: read.append(len(sequences)) or run(sequences))
    one, two = running_text(("anna", "went")), running_text(("bert",))
    first = encoder.words([one, two, one])
    again = encoder.words([two, one])
    assert sum(read) == 2
    assert [vectors.tolist() for vectors in again] == [first[1].tolist(), first[0].tolist()]
    assert first[2].tolist() == first[0].tolist()
    monkeypatch.setattr(encoder, "_room", 40)  # one word of 32 numbers
    encoder.words([running_text(("carla", "went")), running_text(("dora",))])
    encoder.words([running_text(("carla", "went")), running_text(("dora",))])
    assert sum(read) == 5  # the longer text had no room and was read again


def test_a_layer_that_is_not_there_is_named(tiny_bert: Path) -> None:
    with pytest.raises(ConfigError, match=r"aligner\.layers: found 7, .* has layers 0 to 2"):
        WordStates(str(tiny_bert), None, (1, 7))


@pytest.mark.parametrize("length", [0, 1, 10, 11, 57, 200])
def test_windows_answer_for_every_piece_once(length: int) -> None:
    answered = [place for _, _, start, end in windows(length, 10) for place in range(start, end)]
    assert answered == list(range(length))
    assert all(start <= a and b <= end and end - start <= 10 for start, end, a, b in windows(length, 10))


def test_runs_keep_their_padded_size() -> None:
    runs = list(by_size("abcdef", [1, 1, 2, 3, 9, 1], 6))
    assert ["".join(run) for run in runs] == ["abc", "d", "e", "f"]
