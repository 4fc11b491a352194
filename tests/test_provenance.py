import pytest

from harness.provenance import command_line, mask_secret


@pytest.mark.parametrize(
    ("argument", "masked"),
    [
        ("tracking.uri=postgresql://me:hunter2@db/runs", "tracking.uri=postgresql://me:***@db/runs"),
        ("synthesis.api_key=sk-123", "synthesis.api_key=***"),
        ("HF_TOKEN=hf_abc", "HF_TOKEN=***"),
        ("seed=3", "seed=3"),
        ("trainer.token_budget=200", "trainer.token_budget=200"),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
    ],
)
def test_secrets_are_masked(argument: str, masked: str) -> None:
    assert mask_secret(argument) == masked


def test_the_command_line_can_be_pasted_into_a_shell() -> None:
    assert command_line(["run", "encoder.path=/a b", "seed=1"]) == "harness run 'encoder.path=/a b' seed=1"
