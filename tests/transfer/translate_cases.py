"""What the tests of several files share."""

import json
from http.server import BaseHTTPRequestHandler

TEXTS = [
    "Anna went to Rome today .", "", "Rome", " ".join(["tablet"] * 2000), "the doctor 😀 gave paracetamol",
    "مرحبا بالعالم", "...!?", "a [marked] text with <a>marks</a> and [brackets", "Anna went to Rome today .",
]  # fmt: skip
"""Ordinary, empty, one word, 2,000 words, emoji, right-to-left, punctuation alone, marks in the text, a repetition."""


class Server(BaseHTTPRequestHandler):
    """A chat server in the OpenAI format that answers in capitals; every second request fails at first."""

    seen = 0

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).seen += 1
        if self.seen % 2 == 1 and self.seen < 6:
            self.send_response(429)
            self.send_header("Retry-After", "0")
            self.end_headers()
            return
        text = body["messages"][1]["content"].upper()
        answer = {
            "id": "x", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        }  # fmt: skip
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass
