import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.machine.provenance import command_line, content_digest, mask_secret, mask_url
from harness.values.errors import FileError


@pytest.mark.parametrize(
    ("argument", "masked"),
    [
        ("tracking.uri=postgresql://me:hunter2@db/runs", "tracking.uri=postgresql://me:***@db/runs"),
        ("synthesis.api_key=sk-123", "synthesis.api_key=***"),
        ("HF_TOKEN=hf_abc", "HF_TOKEN=***"),
        ("seed=3", "seed=3"),
        ("trainer.token_budget=200", "trainer.token_budget=200"),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
        # passwords with separators in them, without a user, tokens alone
        ("storage=postgresql://u:p/w@h/db", "storage=postgresql://u:***@h/db"),
        ("storage=postgresql://u:p w@h/db", "storage=postgresql://u:***@h/db"),
        ("storage=postgresql://u:p@w@h/db", "storage=postgresql://u:***@h/db"),
        ("storage=postgresql://u:12/3@h/db", "storage=postgresql://u:***@h/db"),
        ("storage=redis://:pw@h:6379/0", "storage=redis://***@h:6379/0"),
        ("translator.base_url=https://TOKEN@h/v1", "translator.base_url=https://***@h/v1"),
        (
            "x=postgresql://h/db?user=u&password=PW&sslmode=require",
            "x=postgresql://h/db?user=u&password=***&sslmode=require",
        ),
        ("x=https://h/v1?api_key=KEY", "x=https://h/v1?api_key=***"),
        ("x=https://h/v1?access_token=KEY#a", "x=https://h/v1?access_token=***#a"),
        ("connection to 'host=h password=PW user=u' failed", "connection to 'host=h password=*** user=u' failed"),
        # quotes in a password, a second @, a second URL, other ways to write a secret
        ("x=postgresql://u:pa'ss@h/db", "x=postgresql://u:***@h/db"),
        ('x=http://u:pa"ss@h/v1', "x=http://u:***@h/v1"),
        ("x=postgresql://u:p@w/x@h/db", "x=postgresql://u:***@h/db"),
        ("a=b://c:d@e f://g:h@i", "a=b://c:***@e f://g:***@i"),
        (
            '{"a": "http://h/v1", "b": "me@h", "c": "http://u:pw@h"}',
            '{"a": "http://h/v1", "b": "me@h", "c": "http://u:***@h"}',
        ),
        ("https://h/#access_token=KEY", "https://h/#access_token=***"),
        ("PGPASSWORD=pw psql", "PGPASSWORD=***"),
        ("Authorization: Basic dXNlcjpwdw==", "Authorization: Basic ***"),
        ('where password="a b" c', "where password=*** c"),
        # nothing to mask
        ("Basic training of the password is done", "Basic training of the password is done"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("https://huggingface.co/owner/name", "https://huggingface.co/owner/name"),
        ("MLflow UI: http://127.0.0.1:5000 (Ctrl-C ends it)", "MLflow UI: http://127.0.0.1:5000 (Ctrl-C ends it)"),
        ("file:///tmp/a@b", "file:///tmp/a@b"),
    ],
)
def test_secrets_are_masked(argument: str, masked: str) -> None:
    assert mask_secret(argument) == masked


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'<>"), min_size=6, max_size=20))
def test_no_password_of_a_url_is_ever_shown(password: str) -> None:
    # The word is in the password and in nothing else of the text.
    secret = f"Zq{password}qZ"
    token = re.sub("[/?#:@]", "", secret)  # which end the part of a URL that a token alone can stand in
    for text in (f"postgresql://user:{secret}@host:5432/db", f"error at mysql://{token}@host: refused"):
        assert "Zq" not in mask_url(text)
        assert "host" in mask_url(text)


def test_the_command_line_can_be_pasted_into_a_shell() -> None:
    assert command_line(["run", "encoder.path=/a b", "seed=1"]) == "harness run 'encoder.path=/a b' seed=1"


def test_content_is_what_identifies_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "deep" / "1.txt").write_text("x")
    (tmp_path / "b.txt").write_text("x")
    before = content_digest(tmp_path / "a")
    assert content_digest(tmp_path / "a" / "deep" / "1.txt") == content_digest(tmp_path / "b.txt")
    (tmp_path / "a" / "deep" / "1.txt").write_text("xy")
    assert content_digest(tmp_path / "a") != before
    with pytest.raises(FileError, match="no such file"):
        content_digest(tmp_path / "c")
