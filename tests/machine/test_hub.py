from pathlib import Path

import pytest

from harness.machine.hub import loading_error


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
