from pathlib import Path
from typing import get_args

import pytest

from harness.config import AlignerCard
from harness.transfer.align.open import open_aligner
from harness.values.errors import HarnessError
from tests.transfer.align_cases import has_eflomal


@pytest.mark.parametrize("kind", get_args(AlignerCard.model_fields["kind"].annotation))
def test_every_kind_of_card_opens_or_says_what_is_missing(kind: str, tmp_path: Path, tiny_bert: Path) -> None:
    if kind == "none":
        return
    path = {"file": "links", "embedding": str(tiny_bert), "joint": str(tiny_bert)}.get(kind)
    card = AlignerCard.model_validate({"name": kind, "kind": kind, "path": path, "layer": 1, "layers": [1, 2]})
    if kind == "eflomal" and not has_eflomal():
        with pytest.raises(HarnessError, match="install"):
            open_aligner(card, tmp_path)
        return
    aligner = open_aligner(card, tmp_path)
    assert aligner.identity and isinstance(aligner.learns, bool) and isinstance(aligner.by_line, bool)
