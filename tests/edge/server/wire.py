"""A bare connection to the server: whatever bytes a test wants on it, and the answers one by one."""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATIENCE_S = 30.0
"""For an answer on a busy machine. How fast answers are is another test's business."""
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
CHUNKED = "Transfer-Encoding: chunked"
LIVE = "GET /health/live"
SEND = "POST /api/users/messages"


@dataclass(frozen=True)
class Reply:
    """One answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """A connection. Reading raises TimeoutError after `PATIENCE_S`, ConnectionError at the end."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        assert parts.hostname is not None
        self._socket = socket.create_connection((parts.hostname, parts.port or 80), PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each send is a packet
        self._read = b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send it all, or what the server wants of it."""
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(data)

    def end(self) -> None:
        """Send nothing more, and go on reading."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def reply(self, *, to_head: bool = False) -> Reply:
        """Read one answer, and no byte of the next one."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").splitlines()
        status = int(lines[0].split(" ")[1])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        length = 0 if to_head or status < 200 else int(headers["content-length"])
        while len(self._read) < length:
            self._more()
        body, self._read = self._read[:length], self._read[length:]
        return Reply(status, headers, body)

    def is_closed(self) -> bool:
        """Wait for the server to close, or to say something more; give whether it closed."""
        with contextlib.suppress(ConnectionError):
            self._more()
        return not self._read

    def _until(self, end: bytes) -> bytes:
        while end not in self._read:
            self._more()
        found, _, self._read = self._read.partition(end)
        return found

    def _more(self) -> None:
        if not (data := self._socket.recv(65_536)):
            raise ConnectionError(f"the server closed the connection after {self._read!r}")
        self._read += data


def request(line: str, *headers: str, body: bytes | None = None) -> bytes:
    """A request, its body's length declared; `line` is like `GET /path`."""
    declared = () if body is None else (f"Content-Length: {len(body)}",)
    head = "\r\n".join((f"{line} HTTP/1.1", "Host: chat", *headers, *declared, "", ""))
    return head.encode("latin-1") + (body or b"")


def chunked(*chunks: bytes) -> bytes:
    """A body in chunks, with its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def ask(base_url: str, data: bytes) -> tuple[Reply, bool]:
    """Send this and nothing more on a new connection; give the only answer, and whether it says close."""
    with Wire(base_url) as wire:
        wire.send(data)
        wire.end()
        reply = wire.reply()
        assert wire.is_closed(), f"{reply} was not the only answer"
        return reply, reply.headers["connection"] == "close"


def problem(reply: Reply, status: int, code: str) -> str:
    """The detail of the answer, which must be a complete problem (contract: Endpoints)."""
    assert reply.status == status, reply
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"
    body = reply.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["detail"].endswith(".")
    assert body["request_id"] == reply.headers["x-request-id"]
    return str(body["detail"])
