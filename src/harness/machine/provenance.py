"""What a result depends on besides its configuration: versions, git state, machine, the command line.

Everything here may be stored with a run, so nothing here may hold a secret or a user's name.
"""

import hashlib
import os
import platform
import re
import shlex
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from harness import __version__
from harness.values.errors import FileError

RECORDED_PACKAGES = (
    "torch", "pytorch-lightning", "transformers", "datasets", "mlflow", "optuna", "numpy", "hydra-core",
)  # fmt: skip

_SECRET = re.compile(r"(^|[._-]|pg)(token|secret|password|passwd|api_?key|credentials?)$", re.IGNORECASE)


def versions() -> dict[str, str]:
    """Return the versions of Python, this package and the libraries that can move a score."""
    installed = {"python": platform.python_version(), "harness": __version__}
    for package in RECORDED_PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return installed


def git_state(folder: Path) -> dict[str, str]:
    """Return ``git.commit`` and ``git.dirty`` of the checkout a folder lies in; empty outside one."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"git.commit": commit, "git.dirty": str(bool(changed)).lower()}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def source_folder() -> Path:
    """Return the folder this package runs from."""
    return Path(__file__).resolve().parent


def command_line(arguments: Sequence[str]) -> str:
    """Return the one line that repeats a command, quoted for a shell, secrets masked."""
    return "harness " + " ".join(shlex.quote(mask_secret(argument)) for argument in arguments)


def mask_secret(argument: str) -> str:
    """Replace the value of ``key=value`` whose key names a secret, and passwords inside URLs."""
    key, equals, _ = argument.partition("=")
    if equals and _SECRET.search(key):
        return f"{key}=***"
    return mask_url(argument)


_AUTHORITY = re.compile(r"(?P<scheme>[A-Za-z][\w+.-]{0,30}://)(?P<rest>(?:(?![A-Za-z][\w+.-]{0,30}://)[^\n])+)")
_SENSITIVE = r"(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|credential|signature)"
_QUERY = re.compile(
    rf"(?P<name>[?&;#](?:[\w.-]*{_SENSITIVE}[\w.-]*|pw|pass|key|auth|sig|code)=)(?P<value>[^&;\s\"'<>#]+)",
    re.IGNORECASE,
)
_KEYWORD = re.compile(
    r"(?P<name>(?:password|passwd|pwd|pgpass|account_?key|api[_-]?key)\s*[=:]\s*)"
    r"(?P<value>'[^'\n]*'|\"[^\"\n]*\"|[^\s\"'&;,*]+)",
    re.IGNORECASE,
)
_BEARER = re.compile(
    r"\b(?P<name>(?:Bearer|Basic)\s+(?=\S*[\d=+/])|sk-|hf_|Authorization:\s*)(?P<value>[A-Za-z0-9._~+/=-]{6,})"
)
_VALUE_ENDS = re.compile(r"[\"'](?=\s*[,:}\])])|[<>]|(?<=[,:{\[ (])[\"']")
"""Where a quoted value of JSON or of a sentence ends: what follows belongs to another one."""


def mask_url(text: str) -> str:
    """Replace every password, token and key that stands in a URL or a connection string of a text.

    Masked are ``user:password@`` (with any character in the password), ``:password@``, ``token@``, parameters such as
    ``?password=`` and ``&api_key=``, and ``password=`` of database strings. In doubt more is masked.
    """
    text = _AUTHORITY.sub(lambda match: match["scheme"] + _without_user_info(match["rest"]), text)
    for pattern in (_QUERY, _KEYWORD, _BEARER):
        text = pattern.sub(r"\g<name>***", text)
    return text


def _without_user_info(rest: str) -> str:
    """Mask what stands before the host in what follows ``scheme://``; a password may hold ``/``, ``@`` and blanks."""
    if rest[:1] in "/\"'<>":  # a file's path, or a scheme that somebody quotes
        return rest
    end_of_value = _VALUE_ENDS.search(rest)
    rest, after = (rest[: end_of_value.start()], rest[end_of_value.start() :]) if end_of_value else (rest, "")
    authority = re.split(r"[/?#\s]", rest, maxsplit=1)[0]
    word = re.split(r"\s", rest, maxsplit=1)[0]
    if "@" in authority:
        end = word.rindex("@")
    else:
        # In u:p/w@host the password goes on until the last @ of the word, in 'u:p w@host' until that of the line; what
        # looks like a port may begin one.
        _, colon, port = authority.partition(":")
        if not colon or "@" not in rest or (port.isdigit() and "@" not in word):
            return rest + after
        end = word.rindex("@") if "@" in word else rest.index("@")
    user = rest[:end].partition(":")
    return (f"{user[0]}:***" if user[1] and user[0] else "***") + rest[end:] + after


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_DIGESTS: dict[tuple[str, int, int], str] = {}


def content_digest(path: Path) -> str:
    """Return what identifies a file, or the files of a folder by name and content, as 32 hexadecimal digits.

    A file that has the same size and time of change as before is not read again.

    :raises FileError: there is nothing at the path.
    """
    if path.is_dir():
        state = hashlib.sha256()
        for file in sorted(file for file in path.rglob("*") if file.is_file()):
            state.update(f"{file.relative_to(path).as_posix()}\0{content_digest(file)}\n".encode())
        return state.hexdigest()[:32]
    try:
        facts = path.stat()
        key = (str(path), facts.st_size, facts.st_mtime_ns)
        if key not in _DIGESTS:
            _DIGESTS[key] = file_digest(path)[:32]
    except FileNotFoundError as error:
        raise FileError(f"no such file: {path}") from error
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    return _DIGESTS[key]


def folder_digest(place: str) -> str:
    """Return what identifies the files of a local model folder (names and content); empty for a hub id."""
    folder = Path(place)
    if not place or not folder.is_dir():
        return ""
    state = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file():
            state.update(f"{path.name}\0{file_digest(path)}\n".encode())
    return state.hexdigest()[:32]


def available_cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
