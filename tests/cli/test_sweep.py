from collections.abc import Callable

import pytest
from click.testing import Result

from harness.values.errors import UsageError


def test_an_unknown_study_names_those_there_are(harness: Callable[..., Result]) -> None:
    with pytest.raises(UsageError, match="no such sweep file"):
        harness("sweep", "nothing")
