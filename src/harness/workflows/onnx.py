"""An ONNX graph of a trained transformer, checked against torch."""

from pathlib import Path
from typing import Any

from harness.model.trained import TrainedTagger
from harness.values.errors import DependencyError, HarnessError, UsageError
from harness.values.records import Sentence

ONNX_TOLERANCE = 1e-3
"""Largest difference of a logit between torch and ONNX in float32; logits are of the order of 10."""


def export_onnx(trained: TrainedTagger, folder: Path) -> float:
    """Write ``model.onnx`` with dynamic batch and length, and return the largest difference of a logit.

    :raises DependencyError: the packages are missing.
    :raises HarnessError: the graph computes something else.
    """
    if trained.card.kind != "transformers":
        raise UsageError("--onnx is for transformers; the char-bilstm baseline reads bytes through a table of its own")
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 - torch's exporter needs it
    except ImportError as error:
        raise DependencyError(
            f"--onnx needs {error.name}; install it with: pip install 'onnx>=1.17' 'onnxruntime>=1.20' "
            "'onnxscript>=0.5'"
        ) from error
    import numpy as np
    import torch

    model: Any = trained.network.eval().model
    ids = torch.tensor([[5, 6, 7, 8, 9, 10], [5, 6, 7, 8, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
    path = folder / "model.onnx"
    shape = {
        0: torch.export.Dim("batch", min=1),
        1: torch.export.Dim("length", min=2, max=trained.max_length),
    }
    with torch.no_grad():
        torch.onnx.export(
            _Logits(model).eval(), (ids, mask), str(path),
            input_names=["input_ids", "attention_mask"], output_names=["logits"],
            dynamic_shapes=(shape, shape), dynamo=True, external_data=False, verbose=False,
        )  # fmt: skip
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for sentence in ("A short one.", "A longer sentence with more words than the other, twice 5 mg."):
        encoded = trained.coder.encode([Sentence("0", sentence, "en")])[0]
        probe = torch.from_numpy(encoded.pieces.astype(np.int64))[None]
        attention = torch.ones_like(probe)
        with torch.no_grad():
            ours = model(input_ids=probe, attention_mask=attention).logits.numpy()
        theirs = session.run(None, {"input_ids": probe.numpy(), "attention_mask": attention.numpy()})[0]
        worst = max(worst, float(np.abs(ours - theirs).max()))
    if worst > ONNX_TOLERANCE:
        raise HarnessError(f"the ONNX graph's logits differ by {worst:.2g}, at most {ONNX_TOLERANCE:g} is allowed")
    return worst


def _Logits(model: Any) -> Any:
    import torch

    class Logits(torch.nn.Module):
        """Only the logits: a graph has no use for the other outputs."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

    return Logits()
