import pytest
from pydantic import ValidationError

from harness.config import MethodConfig


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"train": ()}, "one or more different parts"),
        ({"train": ("source", "synthetic"), "ratio": 1, "size": 5}, "exclude each other"),
        ({"train": ("source",), "ratio": 0.5}, "no synthetic data"),
        ({"train": ("synthetic",), "ratio": 0}, "train on nothing"),
        ({"train": ("source",), "dev": "synthetic"}, "needs synthetic data"),
        ({"train": ("translated",), "test": "translated"}, "trains on source alone"),
        ({"train": ("source",), "dev": "translated"}, "needs translated data"),
        ({"train": ("source",), "fill": "replace"}, "trains on none"),
        ({"train": ("synthetic",), "fill": "upsample"}, "needs other data beside the synthetic"),
    ],
)
def test_impossible_recipes_are_refused(values: dict[str, object], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        MethodConfig.model_validate({"name": "x", **values})


def test_a_recipe_says_what_it_needs() -> None:
    assert MethodConfig(name="x", train=("translated",)).translates
    assert MethodConfig(name="x", train=("target",)).is_oracle
    assert not MethodConfig(name="x", train=("source",)).translates
