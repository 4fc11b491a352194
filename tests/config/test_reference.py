import re

from pydantic import BaseModel

from harness.config import Config
from harness.config.reference import _models, reference
from harness.config.sweep import Sweep


def reachable(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    if model not in seen:
        seen.add(model)
        for field in model.model_fields.values():
            for inner in _models(field.annotation):
                reachable(inner, seen)
    return seen


def test_every_key_of_every_reachable_model_is_listed() -> None:
    listed = set(re.findall(r"^\| `(?:[\w.]+\.)?(\w+)` \|", reference(), re.MULTILINE))
    models = reachable(Config, set()) | reachable(Sweep, set())
    keys = {name for model in models for name, field in model.model_fields.items() if not field.exclude}
    assert keys <= listed
    assert "`synthesis.filters.near_duplicates`" in reference() and "`budget.hours`" in reference()
