from pathlib import Path

import pytest

from harness.config.strict import is_local, is_url, resolve_path


@pytest.mark.parametrize(
    ("url", "valid", "local"),
    [
        ("http://127.0.0.1:8000/v1", True, True),
        ("https://localhost", True, True),
        ("https://localhost.evil.org", True, False),
        ("ftp://127.0.0.1", False, False),
        ("http://", False, False),
        ("http://[::1", False, False),
    ],
)
def test_urls_are_told_and_where_they_lead(url: str, valid: bool, local: bool) -> None:
    assert (is_url(url), is_local(url)) == (valid, local)


def test_relative_paths_start_from_the_card() -> None:
    assert resolve_path("a/b", Path("/cards")) == Path("/cards/a/b")
    assert resolve_path("/a", Path("/cards")) == Path("/a")
