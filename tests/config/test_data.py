import pytest
from pydantic import ValidationError

from harness.config import DataCard, FileSource


def test_a_source_is_a_path_or_a_hub_data_set_and_a_card_refuses_unknown_keys() -> None:
    with pytest.raises(ValidationError):
        FileSource(path="x", hub="y/z")
    with pytest.raises(ValidationError, match="licence"):
        DataCard.model_validate({"name": "x", "labels": ["A"], "source": {"language": "en"}, "licence": "MIT"})


def test_languages_of_a_card_are_the_source_and_the_targets() -> None:
    card = DataCard.model_validate(
        {"name": "x", "labels": ["A"], "source": {"language": "en"}, "targets": {"sv": {"test": {"path": "t.conll"}}}}
    )
    assert list(card.languages) == ["en", "sv"]
