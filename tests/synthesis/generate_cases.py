"""What the tests of several files share."""

import json
import socket
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from harness.config import compose_config

NAMES, PLACES = ["Anna", "Berit", "Carl", "Doris", "Erik"], ["Malmö", "Lund", "Oslo", "Kiruna", "Visby"]


STORIES = ["reste till", "skrev en bok om", "köpte ett gammalt hus i", "spelade fotboll i", "föddes en kall vinter i",
           "drömmer om att flytta till", "har aldrig varit i"]  # fmt: skip


def answer_for(number: int) -> str:
    """An answer of three sentences that no other number gives."""
    items = []
    for k in range(3):
        name, place = NAMES[(number + k) % 5], PLACES[(number * 2 + k) % 5]
        text = f"{name} {STORIES[(number + 3 * k) % 7]} {place} år {1900 + 7 * number + k} ."
        items.append({"text": text, "entities": [{"text": name, "label": "PER"}, {"text": place, "label": "LOC"}]})
    return json.dumps({"sentences": items}, ensure_ascii=False)


class FaultyServer(ThreadingHTTPServer):
    """Answers in the OpenAI format; each distinct prompt meets one fault first."""

    daemon_threads = True

    def __init__(self, faults: tuple[str, ...] = (), answers: list[str] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults, self.answers = faults, answers
        self.seen: dict[str, int] = {}
        self.served: Counter[str] = Counter()
        self.lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    server: FaultyServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["messages"][-1]["content"]
        server = self.server
        with server.lock:
            number = list(server.seen).index(prompt) if prompt in server.seen else len(server.seen)
            first = prompt not in server.seen
            server.seen[prompt] = server.seen.get(prompt, 0) + 1
        faults = [one for one in server.faults if one not in ("no_usage", "half_a_second")]
        fault = faults[number % len(faults)] if first and faults else ""
        if "response_format" in body and "no_schema" in server.faults:
            return self.reply(400, {"error": {"message": "response_format is not supported"}})
        if fault == "429":
            return self.reply(429, {"error": {"message": "slow down"}}, {"Retry-After": "0"})
        if fault == "500":
            return self.reply(500, {"error": {"message": "oops"}})
        if fault == "cut":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            self.connection.close()
            return None
        if fault == "slow":
            time.sleep(1.5)
        if "half_a_second" in server.faults:
            time.sleep(0.5)
        if fault == "not_json":
            return self.raw(200, b"<html>it is not JSON</html>", "application/json")
        server.served[prompt] += 1
        text = server.answers[number % len(server.answers)] if server.answers else answer_for(number)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = (
            None
            if "no_usage" in server.faults
            else {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
        )
        return self.reply(
            200,
            {"id": "x", "object": "chat.completion", "created": 0, "model": "m-1", "choices": [choice], "usage": usage},
        )

    def reply(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        self.raw(status, json.dumps(value).encode(), "application/json", headers)

    def raw(self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, text in {**(headers or {}), "Content-Type": kind, "Content-Length": str(len(data))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


def configured(folder: Path, url: str, *more: str) -> object:
    return compose_config(
        ["data=toy", "synthesis=general", "synthesis.model=m", f"synthesis.base_url={url}", "synthesis.timeout_seconds=1",
         "synthesis.retries=3", *more], folder)  # fmt: skip
