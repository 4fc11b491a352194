from pathlib import Path

import pytest

from harness.workflows.doctor import examine


def test_every_finding_has_a_state_and_a_broken_one_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    findings = examine()
    assert len(findings) > 5
    for finding in findings:
        assert finding.what and finding.found
        assert finding.state != "broken" or finding.mend


def test_a_store_that_is_damaged_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mlflow.db").write_bytes(b"no database at all, and long enough to be read as one" * 20)
    assert [finding for finding in examine() if finding.state == "broken"]
