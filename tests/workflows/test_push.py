"""An exported folder pushed to a stand-in of the hub on this machine."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.machine import hub
from harness.values.errors import HarnessError, UsageError
from harness.workflows.push import push_to_hub


class Hub(ThreadingHTTPServer):
    """Takes repositories and commits, as the hub's API does; keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.created: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.refuses = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self._answer({"id": "me/model", "sha": "a" * 40, "siblings": []})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.refuses:
            self._answer({"error": "You are not allowed"}, 403)
        elif self.path == "/api/repos/create":
            self.server.created.append(json.loads(body))
            self._answer({"url": f"{self.server.address}/me/model", "name": "me/model", "id": "1"})
        elif "/preupload/" in self.path:
            wanted = [file["path"] for file in json.loads(body)["files"]]
            files = [{"path": path, "uploadMode": "regular", "shouldIgnore": False, "oid": None} for path in wanted]
            self._answer({"files": files})
        elif "/commit/" in self.path:
            for line in map(json.loads, body.decode().splitlines()):
                if line["key"] == "file":
                    self.server.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            url = f"{self.server.address}/me/model/commit/{'b' * 40}"
            self._answer({"success": True, "commitOid": "b" * 40, "commitUrl": url, "hookOutput": ""})
        else:
            self._answer({"errors": [], "warnings": []})

    def _answer(self, value: object, status: int = 200) -> None:
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def standing_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from huggingface_hub import constants

    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    monkeypatch.setenv("HF_TOKEN", "hf_standin")
    hub._knock.cache_clear()
    yield server
    hub._knock.cache_clear()
    server.shutdown()
    server.server_close()


def folder(path: Path, **facts: object) -> Path:
    path.mkdir()
    manifest = {"format": 1, "tags": ["O", "B-PER", "I-PER"], "encoder": {"name": "x", "kind": "char-bilstm"}, **facts}
    (path / "harness.json").write_text(json.dumps(manifest))
    (path / "README.md").write_text("---\nlicense: apache-2.0\n---\nA model.\n")
    return path


def test_every_file_arrives_in_a_private_repository(standing_in: Hub, tmp_path: Path) -> None:
    exported = folder(tmp_path / "model")
    assert push_to_hub(exported, "me/model") == f"{standing_in.address}/me/model"
    assert standing_in.created[0]["visibility"] == "private"
    assert standing_in.files == {file.name: file.read_bytes() for file in exported.iterdir()}
    push_to_hub(exported, "me/model", public=True)
    assert standing_in.created[1]["visibility"] == "public"


def test_models_of_restricted_data_stay_here(standing_in: Hub, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="restricted data, which its weights may give away"):
        push_to_hub(folder(tmp_path / "model", restricted=True), "me/model")
    assert not standing_in.created


def test_a_refusal_is_one_sentence_and_names_the_folder(standing_in: Hub, tmp_path: Path) -> None:
    standing_in.refuses = True
    with pytest.raises(HarnessError, match=r"me/model could not be pushed to the hub: .*hf upload me/model"):
        push_to_hub(folder(tmp_path / "model"), "me/model")
    standing_in.refuses = False
    with pytest.raises(UsageError, match="OWNER/NAME is needed"):
        push_to_hub(folder(tmp_path / "other"), "a/b/c")
