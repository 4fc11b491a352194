"""Reading YAML that somebody else may have written: cards, groups of a user's own, sweeps.

Safe values alone (no objects), bounded in size and in what aliases may expand to, ``yes``, ``no``, ``on`` and ``off``
are words as in YAML 1.2 (``no`` is Norwegian), and every fault is one sentence with the file. Hydra reads a user's
folder through
:class:`CardSource`, so the same holds for all of them.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource

from harness.machine.files import decode_utf8
from harness.values.errors import ConfigError, shown

LARGEST_FILE = 2_000_000
"""Bytes; the largest card at hand has 6,000."""

MOST_VALUES = 100_000
"""Values a file may come to once its aliases are written out: a bomb of nine levels has 10^9."""


class _Loader(yaml.SafeLoader):
    """YAML's safe loader with the numbers of OmegaConf (``1e-4``), no dates, and the two truth values of YAML 1.2."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that comes twice; keys are text, and one of its own goes before what ``<<`` merges."""
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self._key(key_node)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} comes twice", key_node.start_mark)
            seen.add(key)
        self.flatten_mapping(node)  # puts what is merged first
        return {
            self._key(key_node): self.construct_object(value_node, deep=True) for key_node, value_node in node.value
        }

    def _key(self, node: Any) -> str:
        key = _key_text(self.construct_object(node, deep=True))
        if key is None:
            raise yaml.constructor.ConstructorError(None, None, "a key must be a word", node.start_mark)
        return key


def _key_text(key: object) -> str | None:
    if isinstance(key, bool):
        return str(key).lower()
    if key is None:
        return "null"
    return str(key) if isinstance(key, str | int | float) else None


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:float")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+0123456789."),
)
_Loader.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node))  # type: ignore[arg-type]


def load_yaml(path: Path) -> Any:
    """Return what a YAML file holds.

    :raises ConfigError: it is missing, no UTF-8, no YAML, too large, or its aliases expand without end.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > LARGEST_FILE:
        raise ConfigError(f"{path}: {len(data)} bytes, a file of settings may have {LARGEST_FILE}")
    text = decode_utf8(data, str(path), ConfigError)
    try:
        return _constructed(text, path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        hint = "; quote a value that begins with ${ or holds ': '" if "${" in text else ""
        raise ConfigError(f"{path}{place}: not YAML: {problem}{hint}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: brackets are nested too deeply for settings") from error
    except (ValueError, OverflowError, AttributeError, TypeError) as error:  # a number or a tag that cannot be
        raise ConfigError(f"{path}: holds a value that cannot be read ({shown(str(error))})") from error


def _constructed(text: str, path: Path) -> Any:
    loader: Any = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _expanded(node, {}) > MOST_VALUES:
            raise ConfigError(f"{path}: its aliases stand for more than {MOST_VALUES} values; write them out")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _expanded(node: Any, known: dict[int, int]) -> int:
    """Return how many values a node comes to with its aliases written out; a node inside itself never ends."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MOST_VALUES + 1  # what holds itself
    if isinstance(node, yaml.MappingNode):
        size = 1 + sum(_expanded(key, known) + _expanded(value, known) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        size = 1 + sum(_expanded(child, known) for child in node.value)
    else:
        size = 1
    known[id(node)] = min(size, MOST_VALUES + 1)
    return known[id(node)]


def load_mapping(path: Path, what: str) -> dict[str, Any]:
    """Return a YAML file that must be a mapping.

    :param what: what such a file holds, for the message.
    :raises ConfigError: see :func:`load_yaml`; or it is something else.
    """
    values = load_yaml(path)
    if not isinstance(values, Mapping):
        raise ConfigError(f"{path}: found {type(values).__name__}, {what} is needed")
    return dict(values)


class CardSource(ConfigSource):
    """How Hydra reads a user's own groups: ``cards://FOLDER``."""

    def __init__(self, provider: str, path: str) -> None:
        super().__init__(provider=provider, path=path if "://" in path else f"{self.scheme()}://{path}")

    @staticmethod
    def scheme() -> str:
        """Return the scheme in Hydra's search path."""
        return "cards"

    def load_config(self, config_path: str) -> ConfigResult:
        """Return a group's file."""
        from omegaconf import OmegaConf

        path = Path(self.path) / self._normalize_file_name(config_path)
        if not path.is_file():
            raise ConfigLoadError(f"Config not found : {path}")
        values = load_mapping(path, "a mapping of keys to values")
        with path.open(encoding="utf-8-sig") as file:
            header = ConfigSource._get_header_dict(file.read(512))
        group = config_path.rpartition("/")[0]
        if group and group != "experiment" and (header.get("package") or "defaults" in values):
            raise ConfigError(
                f"{path}: '# @package' and 'defaults' are for cards of the group experiment; a card of {group} "
                "sets the "
                f"keys of {group} alone, so that one from elsewhere can change nothing else"
            )
        return ConfigResult(
            config=OmegaConf.create(values),
            path=f"{self.scheme()}://{self.path}",
            provider=self.provider,
            header=header,
        )

    def available(self) -> bool:
        """Return True where the folder is there."""
        return Path(self.path).is_dir()

    def is_group(self, config_path: str) -> bool:
        """Return True for a folder."""
        return (Path(self.path) / config_path).is_dir()

    def is_config(self, config_path: str) -> bool:
        """Return True for a YAML file."""
        return (Path(self.path) / self._normalize_file_name(config_path)).is_file()

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Return the names of a group's files."""
        names: list[str] = []
        for path in sorted((Path(self.path) / config_path).iterdir()):
            self._list_add_result(
                files=names, file_path=f"{config_path}/{path.name}", file_name=path.name, results_filter=results_filter
            )
        return sorted(set(names))
