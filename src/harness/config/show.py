"""The configuration of a run with every key, as YAML: ``harness run --show``."""

from typing import Any

import yaml

from harness.config.experiment import Config


def resolved_yaml(config: Config) -> str:
    """Return every key with its value; what the encoder's card decides stands where the key was left open.

    It can be kept as ``DIR/experiment/NAME.yaml`` (first line ``# @package _global_``) and taken with
    ``--config-dir DIR experiment=NAME``.
    """
    values: dict[str, Any] = config.model_dump(mode="json")
    trainer = values["trainer"]
    decided = {"learning_rate": config.learning_rate, "warmup_share": config.warmup_share}
    if not (trainer["max_steps"] or trainer["max_tokens"]):
        decided["max_epochs"] = config.max_epochs
    trainer.update({key: value for key, value in decided.items() if key in trainer and trainer[key] is None})
    return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120))
