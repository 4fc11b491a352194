"""Configuration: Hydra composes ``configs/`` and the overrides, pydantic checks the result.

Every default lives in :mod:`harness.config.experiment` (or on an encoder's card) and nowhere else; the YAML
files hold choices, not defaults. A wrong key, type or combination stops before any download or training.
"""

from harness.config.compose import compose_config, group_options, shipped_folder
from harness.config.data import DataCard, FileSource, LanguageFiles
from harness.config.encoder import EncoderCard, folder_name
from harness.config.experiment import Config, TrackingConfig
from harness.config.method import MethodConfig
from harness.config.training import TrainerConfig
from harness.config.transfer import AlignerCard, ProjectionCard, TranslatorCard

__all__ = [
    "AlignerCard",
    "Config",
    "DataCard",
    "EncoderCard",
    "FileSource",
    "LanguageFiles",
    "MethodConfig",
    "ProjectionCard",
    "TrackingConfig",
    "TrainerConfig",
    "TranslatorCard",
    "compose_config",
    "folder_name",
    "group_options",
    "shipped_folder",
]
