"""Pretrained weights: where they are, and what to say when they cannot be loaded."""

import logging
import socket
import time
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from safetensors import SafetensorError

from harness.values.errors import ConfigError

logger = logging.getLogger(__name__)

HUB_SECONDS = 3.0
"""How long the hub may take to answer a knock; its client would try for half a minute, and say so twenty times."""

LOADING_ERRORS = (
    OSError, ValueError, ImportError, RuntimeError, KeyError, AttributeError, TypeError, IndexError, SafetensorError,
    HfHubHTTPError, HFValidationError,
)  # fmt: skip
"""What transformers and its libraries raise on a model that is missing, damaged or not one."""


def ready_hub(path: str) -> None:
    """Before something of the hub is loaded: where the hub cannot be reached, its local cache must do, at once.

    :param path: id on the hub, or a local folder.
    """
    if not Path(path).is_dir():
        _knock()


@lru_cache(maxsize=1)
def _knock() -> None:
    """Look once a process whether the hub answers, and take its client offline where it does not."""
    from huggingface_hub import constants

    place = urlsplit(constants.ENDPOINT)
    proxies = getproxies()
    if constants.HF_HUB_OFFLINE or proxies.get(place.scheme) or proxies.get("all") or not place.hostname:
        return  # asked for, or a proxy stands between
    port = place.port or (80 if place.scheme == "http" else 443)
    for last in (False, True):
        try:
            socket.create_connection((place.hostname, port), timeout=HUB_SECONDS).close()
            return
        except OSError as error:
            if last:
                constants.HF_HUB_OFFLINE = True
                logger.warning(
                    "the Hugging Face hub does not answer (%s: %s); only what is in its cache can be loaded",
                    place.hostname, error.strerror or error,
                )  # fmt: skip
            else:
                time.sleep(1)


def loading_error(path: str, error: Exception, *, key: str = "encoder.path") -> ConfigError:
    """Say in one sentence why a pretrained model could not be loaded.

    :param key: the configuration key that names it.
    """
    text = " ".join(str(error).split())
    local = Path(path).is_dir()
    if "trust_remote_code" in text or "custom code" in text:
        reason = "it needs code of its own repository to run, which this harness does not execute; choose another model"
    elif not local and any(word in text.lower() for word in ("connect", "offline", "resolve", "timed out", "cached")):
        reason = (
            "the Hugging Face hub cannot be reached (or HF_HUB_OFFLINE is set); "
            "check the network, download the model and give its folder (encoder=hf encoder.path=FOLDER), or take an "
            "encoder that needs no hub: e5-small-q4, char-bilstm"
        )
    elif "safetensors" in text:
        reason = "it has no safetensors weights; convert them (transformers' save_pretrained) and give the new folder"
    elif any(word in text for word in ("not a valid model identifier", "404", "Repository Not Found", "401")):
        reason = "the hub has no such model or revision, or it is gated; check the id, the revision and your HF_TOKEN"
    else:
        reason = f"{type(error).__name__}: {text[:200]}"
    return ConfigError(f"{key}: {path!r} cannot be loaded: {reason}")
