"""A small chat server in memory, in a thread of the test: it keeps its promises, or stalls, or loses."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = 50


class SmallChat:
    """The server's state. `keeps` says whether a poll may return a message; a poll moves past the others."""

    def __init__(self, keeps: Callable[[dict[str, Any]], bool] = lambda message: True) -> None:
        self.keeps = keeps
        self.lock = threading.Lock()
        self.mailboxes: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.sent: dict[tuple[str, str], dict[str, Any]] = {}
        self.requests: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.stall_at = 0
        self.stall_s = 0.0

    def stall(self, *, at_request: int, seconds: float) -> None:
        """Answer nothing for some seconds, from this request on."""
        self.stall_at, self.stall_s = at_request, seconds

    def came(self, line: str) -> None:
        """A request has come: answer it when the server does not stall."""
        with self.lock:
            self.requests.append(line)
            if len(self.requests) == self.stall_at:
                self.open.clear()
                threading.Timer(self.stall_s, self.open.set).start()
        self.open.wait()

    def send(self, sender: str, body: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            known = self.sent.get((sender, body["client_message_id"]))
            if known is not None:
                return known | {"replayed": True}
            number = len(self.sent) + 1
            stamp = (BEGIN + timedelta(microseconds=number)).isoformat(timespec="microseconds")
            message = {
                "id": f"m{number}",
                "seq": number,
                "from": sender,
                "to": body["to_username"],
                "message": body["content"],
                "timestamp": stamp.replace("+00:00", "Z"),
                "client_message_id": body["client_message_id"],
            }
            self.sent[sender, body["client_message_id"]] = message
            self.mailboxes[body["to_username"]].append(message)
            return message | {"queued": True, "replayed": False}

    def poll(self, name: str, since: str) -> dict[str, Any]:
        with self.lock:
            newer = [message for message in self.mailboxes[name] if message["timestamp"] > since]
        page = newer[:PAGE]
        kept = [message for message in page if self.keeps(message)]
        return {
            "messages": kept,
            "count": len(kept),
            "has_more": len(newer) > PAGE and bool(kept),
            "next_since": page[-1]["timestamp"] if page else since or None,
            "gap": False,
            "source": "redis",
            "degraded": False,
            "timestamp": "2026-01-01T00:00:00Z",
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    chat: SmallChat

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.chat.came(self.requestline)
        if self.path.endswith("/register"):
            self._answer(201, {"username": body["username"]})
        elif self.path.endswith("/login"):
            self._answer(200, {"token": body["username"], "expires_at": "2030-01-01T00:00:00Z"})
        else:
            self._answer(200, self.chat.send(self.headers["Authorization"].partition(" ")[2], body))

    def do_GET(self) -> None:
        self.chat.came(self.requestline)
        parts = urlsplit(self.path)
        name = unquote(parts.path.rpartition("/")[2])
        self._answer(200, self.chat.poll(name, parse_qs(parts.query).get("since", [""])[0]))

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        with contextlib.suppress(OSError):  # the client waits no more
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    def log_message(self, *words: Any) -> None:
        """Nothing to log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextlib.contextmanager
def serving(chat: SmallChat, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve the chat; yield its URL."""
    handler = type("Handler", (_Handler,), {"chat": chat})
    with _Server((host, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{host}:{server.server_port}"
        chat.open.set()
        server.shutdown()
