"""One connection of the generator that speaks the contract's HTTP with prepared bytes: it costs little."""

from __future__ import annotations

import time
from urllib.parse import quote, urlsplit

from gevent import socket
from msgspec import MsgspecError, Struct
from msgspec.json import Decoder, encode

from harness.history import Outcome
from harness.history.operations import Received

TIMEOUT_S = 5.0
REUSED_FOR_S = 60.0
"""An idle connection that is older may just be closed by the server."""
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class Message(Struct, rename={"sender": "from", "recipient": "to", "content": "message"}):
    """A message as the contract spells it."""

    id: str
    seq: int
    sender: str
    recipient: str
    content: str
    timestamp: str
    client_message_id: str | None = None

    def received(self) -> Received:
        """Return it as the history has it."""
        said = (self.id, self.seq, self.sender, self.recipient)
        return Received(*said, self.content, self.timestamp, self.client_message_id)


class Page(Struct):
    """The answer to a poll."""

    messages: tuple[Message, ...]
    next_since: str | None
    has_more: bool = False
    gap: bool = False
    source: str | None = None
    degraded: bool | None = None


class Ack(Struct):
    """The answer to a send."""

    id: str
    seq: int
    timestamp: str
    queued: bool
    replayed: bool = False


class Problem(Struct):
    """An error's document."""

    outcome: str | None = None


_page, _ack, _problem = Decoder(Page), Decoder(Ack), Decoder(Problem)


class Connection:
    """A connection that is opened when it is needed, and kept. Raise OSError."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = parts.hostname or "", parts.port or 80
        self._socket: socket.socket | None = None
        self._used_s = 0.0

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request once; return the status and the body of its answer."""
        try:
            opened = self._opened()
            opened.sendall(request)
            answer = _whole_answer(opened)
        except OSError:
            self.close()
            raise
        self._used_s = time.monotonic()
        return answer

    def close(self) -> None:
        """Close it, if it is open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _opened(self) -> socket.socket:
        if self._socket is not None and time.monotonic() - self._used_s > REUSED_FOR_S:
            self.close()
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=TIMEOUT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket


def _whole_answer(opened: socket.socket) -> tuple[int, bytes]:
    """Read one answer. Raise OSError if it does not end, TimeoutError if it does not come."""
    answer = b""
    while True:
        data = opened.recv(65_536)
        if not data:
            raise ConnectionResetError("the server closed the connection instead of answering")
        answer += data
        end = answer.find(_HEAD_END)
        if end < 0:
            continue
        length = _length(answer[:end].lower())
        if len(answer) >= end + len(_HEAD_END) + length:
            return int(answer[9:12]), answer[end + len(_HEAD_END) :]


def _length(head: bytes) -> int:
    place = head.find(_LENGTH)
    if place < 0:
        raise ConnectionResetError("an answer has no Content-Length, so its end cannot be seen")
    return int(head[place + len(_LENGTH) :].split(b"\r\n", 1)[0])


def poll_request(host: str, token: str, username: str, since: str | None) -> bytes:
    """Return a poll."""
    query = "" if since is None else f"?since={quote(since)}"
    return _request("GET", f"/api/users/messages/poll/{username}{query}", host, token)


def send_request(host: str, token: str, recipient: str, content: str, client_message_id: str) -> bytes:
    """Return a send."""
    body = {"to_username": recipient, "content": content, "client_message_id": client_message_id}
    return _request("POST", "/api/users/messages", host, token, encode(body))


def _request(method: str, path: str, host: str, token: str, body: bytes | None = None) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {token}"]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (body or b"")


def page_of(body: bytes) -> Page | None:
    """Return what a poll was answered; None if it is not as the contract says."""
    try:
        return _page.decode(body)
    except MsgspecError:
        return None


def ack_of(body: bytes) -> Ack | None:
    """Return what a send was answered; None if it is not as the contract says."""
    try:
        return _ack.decode(body)
    except MsgspecError:
        return None


def outcome_of(status: int, body: bytes) -> Outcome:
    """Return what an answer other than a good 200 proves."""
    if 400 <= status < 500:
        return Outcome.REFUSED
    try:
        said = _problem.decode(body).outcome
    except MsgspecError:
        said = None
    return Outcome.REFUSED if status == 503 and said == "not_stored" else Outcome.UNKNOWN
