"""One contract for every aligner, and what each does on its own."""

from pathlib import Path

import numpy as np
import pytest

from harness.config import AlignerCard
from harness.transfer.align.embedding import argmax_links, itermax_links, match_links
from harness.transfer.align.open import open_aligner
from harness.values.errors import ConfigError


def test_simaligns_three_extractions() -> None:
    similarity = np.array([[0.9, 0.8, 0.1], [0.85, 0.2, 0.3], [0.1, 0.1, 0.2]])
    assert argmax_links(similarity) == [(0, 0)] or (0, 0) in argmax_links(similarity)
    assert set(argmax_links(similarity)) <= set(itermax_links(similarity))
    assert match_links(similarity) == [(0, 1), (1, 0), (2, 2)]


def test_a_layer_that_is_not_there_is_named(tiny_bert: Path) -> None:
    card = AlignerCard(name="e", kind="embedding", path=str(tiny_bert), layer=3)
    with pytest.raises(ConfigError, match=r"aligner\.layer: found 3, .* has layers 0 to 2"):
        open_aligner(card, Path())
