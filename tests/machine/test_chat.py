"""Which server gets which key."""

import pytest

from harness.machine.chat import key_variable, open_client
from harness.values.errors import UsageError

LOCAL, REMOTE, VENDOR = "http://127.0.0.1:8000/v1", "https://llm.example.org/v1", "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("url", "named", "variable"),
    [
        (None, None, "OPENAI_API_KEY"),
        (VENDOR, None, "OPENAI_API_KEY"),
        (LOCAL, None, None),
        (REMOTE, None, None),
        ("https://api.openai.com.example.org/v1", None, None),
        (LOCAL, "LOCAL_KEY", "LOCAL_KEY"),
        (REMOTE, "OPENAI_API_KEY", "OPENAI_API_KEY"),
    ],
)
def test_a_key_goes_to_the_server_it_is_named_for(url: str | None, named: str | None, variable: str | None) -> None:
    assert key_variable(url, named) == variable


def test_no_server_gets_a_key_by_accident(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    settings = {"timeout": 1.0, "retries": 0}
    local = open_client("translator chat", base_url=LOCAL, api_key_env=None, leaves_machine=False, **settings)
    assert local.api_key == "none"
    with pytest.raises(UsageError, match=r"which key is for llm.example.org\? Set translator.api_key_env"):
        open_client("translator chat", base_url=REMOTE, api_key_env=None, leaves_machine=True, **settings)
    named = open_client(
        "synthesis.engine=chat", base_url=REMOTE, api_key_env="OPENAI_API_KEY", leaves_machine=True, **settings
    )
    assert named.api_key == "sk-secret"
