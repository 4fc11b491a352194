from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from harness.values.errors import UsageError


def test_an_unknown_form_or_measure_is_refused_before_the_store_is_opened(harness: Callable[..., Result]) -> None:
    with pytest.raises(UsageError, match="--format 'xml': allowed table, csv, md, latex, json"):
        harness("compare", "--format", "xml")


def test_a_folder_without_a_model_predicts_nothing(harness: Callable[..., Result], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no harness.json"):
        harness("predict", tmp_path, stdin="Anna\n")
