import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result


def test_the_doctor_tells_what_is_installed(
    harness: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    findings = {finding["what"]: finding for finding in json.loads(harness("doctor", "--json").output)}
    assert findings["Python"]["state"] == "ok"
