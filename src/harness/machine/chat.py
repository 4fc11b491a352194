"""The client of OpenAI-compatible servers: keys from the environment alone, nothing local carried elsewhere."""

import os
from typing import Any
from urllib.parse import urlsplit

from harness.values.errors import DependencyError, UsageError

VENDOR_HOST = "api.openai.com"
"""The host for which OPENAI_API_KEY is meant; no other gets it unless its card names the variable."""


def key_variable(base_url: str | None, api_key_env: str | None) -> str | None:
    """Return the environment variable whose key a server gets: the one its card names, else the vendor's own for
    itself.
    """
    if api_key_env is not None:
        return api_key_env
    return "OPENAI_API_KEY" if base_url is None or urlsplit(base_url).hostname == VENDOR_HOST else None


def open_client(
    what: str, *, base_url: str | None, api_key_env: str | None, timeout: float, retries: int, leaves_machine: bool
) -> Any:
    """Return an ``openai.OpenAI`` client, which backs off on 429, 5xx and cut connections and obeys Retry-After.

    :param what: who asks, for messages.
    :param timeout: seconds until a request counts as lost.
    :param leaves_machine: whether the server is another machine; for one on this machine neither a proxy nor a
        redirect is followed, since either would carry the text away.
    :raises DependencyError: the ``openai`` package is missing.
    :raises UsageError: the server is another machine and nobody says which key is for it, or there is none.
    """
    try:
        import openai
    except ImportError:
        raise DependencyError(f"{what} needs the OpenAI client; pip install 'openai>=2.0'") from None
    variable = key_variable(base_url, api_key_env)
    if variable is None and leaves_machine:
        raise UsageError(
            f"{what}: which key is for {urlsplit(base_url or '').hostname}? Set "
            f"{what.split('.')[0].split()[0]}.api_key_env to the "
            "environment variable that holds it (OPENAI_API_KEY is sent to the vendor's own server alone)"
        )
    key = os.environ.get(variable) if variable else None
    if variable and not key and leaves_machine:
        raise UsageError(f"{what}: environment variable {variable} holds no key; export it")
    local = None if leaves_machine else openai.DefaultHttpxClient(trust_env=False, follow_redirects=False)
    return openai.OpenAI(
        api_key=key or "none", base_url=base_url, timeout=timeout, max_retries=retries, http_client=local
    )
