import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.machine import hub
from harness.machine.hub import loading_error, ready_hub


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Please pass trust_remote_code=True", "does not execute"),
        ("We couldn't connect to 'https://huggingface.co'", "cannot be reached"),
        ("org/x is not a valid model identifier", "no such model or revision"),
        ("no file named model.safetensors", "no safetensors weights"),
        ("something\n else", "OSError: something else"),
    ],
)
def test_what_libraries_say_becomes_one_sentence(message: str, reason: str) -> None:
    error = loading_error("org/x", OSError(message))
    assert reason in str(error) and "\n" not in str(error) and str(error).startswith("encoder.path: 'org/x'")


def test_a_local_folder_is_not_blamed_on_the_network(tmp_path: Path) -> None:
    assert "hub" not in str(loading_error(str(tmp_path), OSError("cannot connect the layers")))


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A client that may go to the network, and has not knocked yet."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    hub._knock.cache_clear()
    yield
    hub._knock.cache_clear()


def test_a_hub_that_does_not_answer_is_not_waited_for(
    online: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    from huggingface_hub import constants
    from huggingface_hub.errors import LocalEntryNotFoundError
    from huggingface_hub.file_download import hf_hub_download

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
        ready_hub(str(tmp_path))
        assert constants.HF_HUB_OFFLINE is False, "a local folder needs no hub"
        ready_hub("owner/name")
    assert constants.HF_HUB_OFFLINE is True
    assert [record.getMessage()[:40] for record in caplog.records] == ["the Hugging Face hub does not answer (12"]
    with pytest.raises(LocalEntryNotFoundError):
        hf_hub_download("owner/name", "config.json", cache_dir=tmp_path)


def test_a_hub_that_answers_is_used(online: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        ready_hub("owner/name")
    assert constants.HF_HUB_OFFLINE is False
