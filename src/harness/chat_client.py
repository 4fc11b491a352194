"""The client of OpenAI-compatible servers: keys from the environment alone, nothing local carried elsewhere."""

import os
from typing import Any

from harness.errors import DependencyError, UsageError


def open_client(
    what: str, *, base_url: str | None, api_key_env: str, timeout: float, retries: int, leaves_machine: bool
) -> Any:
    """Return an ``openai.OpenAI`` client, which backs off on 429, 5xx and cut connections and obeys Retry-After.

    :param what: who asks, for messages.
    :param timeout: seconds until a request counts as lost.
    :param leaves_machine: whether the server is another machine; for one on this machine neither a proxy nor a
        redirect is followed, since either would carry the text away.
    :raises DependencyError: the ``openai`` package is missing.
    :raises UsageError: the server is another machine and the environment holds no key.
    """
    try:
        import openai
    except ImportError:
        raise DependencyError(f"{what} needs the OpenAI client; pip install 'harness[llm]'") from None
    key = os.environ.get(api_key_env)
    if not key and leaves_machine:
        raise UsageError(f"{what}: environment variable {api_key_env} holds no key; export it")
    local = None if leaves_machine else openai.DefaultHttpxClient(trust_env=False, follow_redirects=False)
    return openai.OpenAI(
        api_key=key or "none", base_url=base_url, timeout=timeout, max_retries=retries, http_client=local
    )
