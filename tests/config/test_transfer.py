"""Projection rule by rule, and the properties that must hold for any links."""

import pytest

from harness.config import AlignerCard


def test_cards_refuse_what_cannot_work() -> None:
    with pytest.raises(ValueError, match=r"aligner\.path is missing"):
        AlignerCard(name="x", kind="embedding")
