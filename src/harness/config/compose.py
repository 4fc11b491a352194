"""From group choices and ``key=value`` overrides to a checked :class:`~harness.config.experiment.Config`.

Hydra's compose API does what researchers expect of it (groups, ``key=value``, ``experiment=…`` presets); a key that
exists nowhere is left to the schema to refuse, whose message names the nearest valid key.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.config.experiment import Config
from harness.config.faults import validated
from harness.config.yaml_files import CardSource
from harness.values.errors import ConfigError, listing, nearest, shown

LONGEST_OVERRIDE = 20_000
"""Characters of KEY=VALUE: more than any list of labels or paths needs."""


GROUPS = (
    "data",
    "encoder",
    "method",
    "translator",
    "aligner",
    "synthesis",
    "trainer",
    "tracking",
    "experiment",
)


def shipped_folder(name: str) -> Path:
    """Return the shipped ``configs`` or ``sweeps``: in a checkout the repository's, else the package's own."""
    package = Path(__file__).resolve().parents[1]
    repository = package.parents[1]
    if (repository / "pyproject.toml").is_file() and (repository / name).is_dir():
        return repository / name
    return package / "shipped" / name


def group_options(group: str, config_dir: Path | None = None) -> dict[str, Path]:
    """Return the choices of a group and their files, a user's own before the shipped ones."""
    options: dict[str, Path] = {}
    for folder in _search_path(config_dir):
        for file in sorted((folder / group).glob("*.yaml")):
            options.setdefault(file.stem, file)
    return options


def _search_path(config_dir: Path | None) -> list[Path]:
    return [*([config_dir.absolute()] if config_dir else []), shipped_folder("configs")]


def compose_config(overrides: Sequence[str] = (), config_dir: Path | None = None) -> Config:
    """Compose and check a configuration.

    :param overrides: ``group=choice`` and ``dotted.key=value``.
    :param config_dir: a folder with a user's own groups; its files go before shipped ones of the same name.
    :raises ConfigError: unknown group, choice or key, a wrong type, or an impossible combination; all
        faults of the result are named at once.
    """
    if config_dir is not None and not config_dir.is_dir():
        raise ConfigError(f"--config-dir {config_dir}: no such folder")
    for override in overrides:
        if len(override) > LONGEST_OVERRIDE:
            raise ConfigError(f"{shown(override)}: an override may have {LONGEST_OVERRIDE} characters")
    # The last one wins, also for group choices, which Hydra would refuse to hear twice.
    distinct = {override.partition("=")[0].lstrip("+~"): override for override in overrides}
    values, choices = _compose([_hydra_override(override) for override in distinct.values()], config_dir)
    card = group_options("data", config_dir).get(choices["data"])
    folder = card.parent if card else Path.cwd()
    if isinstance(values.get("data"), dict) and values["data"].get("relative_to") == "working_folder":
        folder = Path.cwd()
    return validated(Config, {**values, "data_folder": folder})


def _hydra_override(override: str) -> str:
    """Make Hydra accept any key, so that the schema can say which one was meant."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    key, equals, value = override.partition("=")
    name = key.lstrip("+~")
    if not equals or not name:
        raise ConfigError(f"{shown(override)} is not an override; write KEY=VALUE, for example trainer.max_epochs=2")
    if name in GROUPS:
        if not re.fullmatch(r"[\w.-]{1,120}", value):
            raise ConfigError(
                f"{name}={shown(value)[1:-1]}: no such choice; a choice is the name of a file in {name}/, without "
                f"folder and ending: {name}={shown(Path(value).stem)[1:-1]} --config-dir DIR, where DIR/{name} holds it"
            )
        return f"{name}={value}"
    text = f"++{name}={value}"
    try:
        OverridesParser.create().parse_override(text)
    except (HydraException, ValueError):  # a number of thousands of digits is no HydraException
        # Paths and URIs may hold characters of Hydra's grammar: take them literally.
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        text = f"++{name}='{escaped}'"
        try:
            OverridesParser.create().parse_override(text)
        except (HydraException, ValueError):
            raise ConfigError(
                f"{shown(override)} cannot be read; write KEY=VALUE, quoted where a value holds quotes"
            ) from None
    return text


def _compose(overrides: list[str], config_dir: Path | None) -> tuple[dict[str, Any], dict[str, str]]:
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException, MissingConfigException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    _put_first(config_dir)
    OmegaConf.register_new_resolver("rx_mini", _rx_mini_folder, replace=True)
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(shipped_folder("configs")), version_base="1.3", job_name="harness"):
            composed = compose("config", overrides=overrides, return_hydra_config=True)
        choices = {group: str(composed.hydra.runtime.choices.get(group)) for group in GROUPS}
        OmegaConf.set_struct(composed, False)
        del composed["hydra"]
        _check_interpolations(OmegaConf.to_container(composed, resolve=False))
        values = OmegaConf.to_container(composed, resolve=True)
    except MissingConfigException as error:
        raise ConfigError(_missing_choice(error.missing_cfg_file or "", config_dir)) from error
    except (HydraException, OmegaConfBaseException, YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(_one_sentence(error)) from error
    except OSError as error:
        raise ConfigError(f"the configuration cannot be read: {_one_sentence(error)}") from error
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}, choices


_STORES = re.compile(r"tracking\.uri")


_DATA = re.compile(r"data\.(?:source|targets\.[^.]+)\.\w+\.(?:path|files)(?:\.\d+)?")


_MODELS = re.compile(r"encoder\.path|translator\.(?:path|tokenizer|pairs\.[^.]+)|aligner\.(?:path|priors)")
"""Keys in which a card may name an environment variable: where runs are kept, and where data and models lie. A model's
place may be an id on the hub too, so it must be a local path where it holds a variable: nothing of it is sent there.
"""


_SECRET_NAME = re.compile(
    r"key|token|secret|passw|credential|auth|cookie|webhook|pgpass|dsn|database_url|(?:^|_)(?:pat|pwd)(?:_|$)(?<!^pwd)",
    re.IGNORECASE,
)


def _check_interpolations(value: object, key: str = "") -> None:
    """Refuse ``${…}`` where it could carry something of this machine out: a card may come from anybody.

    An environment variable may stand in a path; what a path names is recorded with a run, so no variable that sounds
    like a secret may, but for the store's own address, which is never recorded.

    :raises ConfigError: names the key.
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _check_interpolations(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _check_interpolations(inner, f"{key}.{number}")
    elif isinstance(value, str) and "${" in value:
        if not any(keys.fullmatch(key) for keys in (_STORES, _DATA, _MODELS)):
            raise ConfigError(
                f"{key}: found {shown(value)}; ${{…}} is allowed in the paths of data and models and in tracking.uri "
                "alone, so that a card from elsewhere can carry no variable of this machine out"
            )
        strange = re.sub(r"\$\{(?:oc\.env:[^${}]*|rx_mini:)\}", "", value)
        if "${" in strange:
            raise ConfigError(
                f"{key}: found {shown(value)}; a path may hold ${{oc.env:VARIABLE}} and nothing else of this kind"
            )
        names = [name.strip() for name in re.findall(r"\$\{oc\.env:\s*[\"']?([^,}\"']*)", value)]
        for name in names:
            if _SECRET_NAME.search(name) and not _STORES.fullmatch(key):
                raise ConfigError(
                    f"{key}: the variable {name!r} sounds like a secret, and paths are recorded with runs"
                )
        start = os.environ.get(names[0], "") if names and value.startswith("${") else value
        if _MODELS.fullmatch(key) and names and not start.startswith(("/", "~", "./", "../")):
            raise ConfigError(
                f"{key}: found {shown(value)}; with a variable in it, it must be a local path (begin with / or ~): "
                "anything else could be sent to a model hub"
            )


def _put_first(config_dir: Path | None) -> None:
    """Make Hydra search a user's folder before the shipped one (``hydra.searchpath`` would put it after)."""
    from hydra.core.config_search_path import ConfigSearchPath
    from hydra.core.plugins import Plugins
    from hydra.plugins.search_path_plugin import SearchPathPlugin

    class UserConfigs(SearchPathPlugin):
        """Registered under the same name at each call, so that the last folder counts."""

        def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
            if config_dir is not None:
                search_path.prepend("user", f"{CardSource.scheme()}://{config_dir.absolute()}")

    plugins = Plugins.instance()
    plugins.register(CardSource)
    plugins.class_name_to_class.pop(f"{UserConfigs.__module__}.{UserConfigs.__qualname__}", None)
    registered = plugins.plugin_type_to_subclass_list[SearchPathPlugin]
    registered[:] = [plugin for plugin in registered if plugin.__qualname__ != UserConfigs.__qualname__]
    plugins.register(UserConfigs)


def _rx_mini_folder() -> str:
    return str(Path(__file__).resolve().parents[1] / "corpora" / "rx_mini")


def _missing_choice(wanted: str, config_dir: Path | None) -> str:
    group, _, choice = str(wanted).partition("/")
    options = group_options(group, config_dir)
    if config_dir is None:
        own = f"; your own is found with --config-dir DIR, where DIR/{group}/{choice}.yaml is"
    else:
        deep = (config_dir / f"{choice}.yaml").is_file() and config_dir.name == group
        own = f"; --config-dir is the folder above {group}: {config_dir.parent}" if deep else ""
    near = nearest(choice, options)
    return f"{group}={choice}: no such choice{near}; allowed: {listing(sorted(options), most=40)}{own}"


def _one_sentence(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "brackets or interpolations are nested too deeply for settings"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    key = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("full_key:")), "")
    return f"{key}: {lines[0]}" if key else " ".join(lines[:2])


def default_tracking_uri() -> str:
    """Return the store used when ``tracking.uri`` names none."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path.cwd() / 'mlruns' / 'mlflow.db'}"
