from pathlib import Path
from typing import Any

import pytest

from harness.model.trained import load_tagger
from harness.values.errors import DependencyError, UsageError
from harness.workflows.onnx import export_onnx
from tests.model.models_cases import fit, toy


def test_a_baseline_has_no_graph_and_a_missing_package_is_named(tiny_bert: Path, tmp_path: Path) -> None:
    baseline = fit("char-bilstm", tiny_bert, tmp_path, epochs=1).tagger
    with pytest.raises(UsageError, match="--onnx is for transformers"):
        export_onnx(baseline, tmp_path)
    try:
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        with pytest.raises(DependencyError, match="pip install"):
            export_onnx(fit("transformer", tiny_bert, tmp_path, epochs=1).tagger, tmp_path)


def test_the_code_of_the_page_finds_what_predict_finds(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime", reason="pip install onnx onnxruntime onnxscript")
    pytest.importorskip("onnxscript", reason="pip install onnx onnxruntime onnxscript")
    tagger = fit("transformer", tiny_bert, tmp_path, epochs=25).tagger
    folder = tagger.save(tmp_path / "model")
    assert export_onnx(load_tagger(folder), folder) < 1e-3
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "onnx.md").read_text(encoding="utf-8")
    space: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], space)
    ours = load_tagger(folder).predict(toy(9)).spans
    assert any(ours)
    assert [space["entities"](sentence.text) for sentence in toy(9)] == [
        [tuple(span) for span in spans] for spans in ours
    ]
