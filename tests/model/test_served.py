from pathlib import Path

import pandas as pd
import pytest

from harness.model.served import _load_pyfunc
from tests.model.models_cases import fit


def test_texts_in_any_form_give_entities_with_offsets(tiny_bert: Path, tmp_path: Path) -> None:
    folder = fit("char-bilstm", tiny_bert, tmp_path, epochs=25, patience=None).tagger.save(tmp_path / "model")
    model = _load_pyfunc(str(folder))
    (entities,) = model.predict(["anna went to rome on day 1."])
    score = entities[0].pop("score")
    assert entities[0] == {"start": 0, "end": 4, "label": "PER", "text": "anna"}
    assert 0.3 < score <= 1
    entities[0]["score"] = score
    text = "anna went to rome on day 1."
    assert model.predict(text) == model.predict(pd.DataFrame({"id": [1], "text": [text]})) == [entities]
    with pytest.raises(TypeError, match="a list of texts"):
        model.predict(5)
