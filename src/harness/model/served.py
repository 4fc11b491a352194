"""A registered model as MLflow loads it: ``mlflow.pyfunc.load_model("models:/NAME@champion").predict(["one text"])``.

MLflow imports this module by name (the ``loader_module`` of the model's ``MLmodel`` file), so nothing is pickled. The
answer is one list of entities a text: ``{"start", "end", "label", "text", "score"}`` with character offsets, end
exclusive, and the model's probability, 0..1.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.model.trained import TrainedTagger, load_tagger, read_manifest
from harness.values import interchange
from harness.values.records import Sentence


class EntityModel:
    """What MLflow's pyfunc calls."""

    def __init__(self, model: TrainedTagger) -> None:
        self._model = model

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> list[list[dict[str, Any]]]:
        """Return the entities of each text.

        :param model_input: texts, or a table whose first column (or ``text``) holds them.
        """
        texts = _texts(model_input)
        sentences = [Sentence(str(number), text, "und") for number, text in enumerate(texts, 1)]
        predicted = self._model.predict(sentences)
        return [
            interchange.spans_as_objects(spans, text, scores)
            for text, spans, scores in zip(texts, predicted.spans, predicted.scores or [], strict=True)
        ]


def of_source_alone(folder: Path) -> str:
    """Return the language that a translate-test model tags and no other; empty for models that tag any."""
    manifest = read_manifest(folder)
    method = manifest.get("method")
    translated = isinstance(method, dict) and method.get("test") == "translated"
    return str(manifest.get("source", "")) if translated else ""


def _texts(model_input: Any) -> list[str]:
    if hasattr(model_input, "columns"):
        column = "text" if "text" in model_input.columns else model_input.columns[0]
        return [str(text) for text in model_input[column]]
    if isinstance(model_input, str):
        return [model_input]
    if isinstance(model_input, Iterable):
        return [str(text) for text in model_input]
    raise TypeError(f"a list of texts or a table is needed, found {type(model_input).__name__}")


def _load_pyfunc(path: str) -> EntityModel:
    """Load the model folder; called by MLflow."""
    return EntityModel(load_tagger(Path(path)))
