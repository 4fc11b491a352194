from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Folders that cards of corpora we may not ship name by environment variables."""
    for name in ("UNER_DIR", "MASAKHANER2_DIR", "N2C2_DIR", "GERNERMED_DIR", "SYNTHETIC_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
