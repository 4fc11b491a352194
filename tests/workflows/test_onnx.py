from pathlib import Path

import pytest

from harness.values.errors import DependencyError, UsageError
from harness.workflows.onnx import export_onnx
from tests.model.models_cases import fit


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
