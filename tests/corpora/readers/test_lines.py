from pathlib import Path

import pytest

from harness.corpora.readers import READERS
from harness.values.errors import DataError


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file: .*nowhere.conll"):
        READERS["conll"](tmp_path / "nowhere.conll", "en")
