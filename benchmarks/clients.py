"""A generator of requests that costs little: prepared bytes, plain sockets, one thread.

It is the same for every server that is measured.
"""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import DeadlineMissed, InfrastructureError

Address = tuple[str, int]
OK = b"HTTP/1.1 200"
ANSWER_DEADLINE_S = 30.0
RETRY_S = 0.05
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_QUOTED = 300


def request(method: str, path: str, *, token: str = "", body: Mapping[str, Any] | None = None) -> bytes:
    """Return a request as a client sends it; with a token, of a user who is signed in."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json", "User-Agent: bench"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + content


class Unavailable(InfrastructureError):
    """The server answered 503: a client asks again."""


class Connection:
    """A connection that is kept alive, with one request at a time.

    It is opened when it is first used: servers close one on which no request arrives. Raise
    InfrastructureError for any answer but 200, Unavailable for a 503, DeadlineMissed without an answer.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._received = b""
        self._asked = b""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._socket is not None:
            self._socket.close()

    @property
    def socket(self) -> socket.socket:
        """Its open socket. Raise OSError."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=ANSWER_DEADLINE_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def ask(self, sent: bytes) -> bytes:
        """Send a request, and return the body of its answer; send it again as long as that is a 503."""
        patience = Patience()
        while True:
            self.send(sent)
            try:
                while (body := self.receive()) is None:
                    pass
            except Unavailable as error:
                patience.pause(error)
            else:
                return body

    def send(self, sent: bytes) -> None:
        """Send a request without waiting for its answer."""
        self._asked = sent
        self.socket.sendall(sent)

    @property
    def asked(self) -> str:
        """The method and the path of the last request."""
        return named(self._asked)

    def send_again(self) -> None:
        """Send the last request once more."""
        self.send(self._asked)

    def receive(self) -> bytes | None:
        """Read what has arrived, and return the body of the answer if it is complete."""
        try:
            data = self.socket.recv(262_144)
        except TimeoutError as error:
            raise DeadlineMissed(f"{self.asked} was not answered in {ANSWER_DEADLINE_S:g} s.") from error
        if not data:
            closed = f"the connection of {self.asked}" if self._asked else "a connection without a request"
            raise InfrastructureError(f"The server closed {closed}.")
        self._received += data
        body = body_of(self._received)
        if body is not None:
            answer, self._received = self._received, b""
            if not answer.startswith(OK):
                raise _refusal(self.asked, answer.partition(b"\r\n")[0], body)
        return body


class Patience:
    """How long a server may go on to answer 503: a busy machine lets its stores time out."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def reset(self) -> None:
        """Begin anew, after an answer."""
        self._since = time.monotonic()

    def pause(self, error: Unavailable) -> None:
        """Let a moment pass. Raise the error where that has gone on for too long."""
        if time.monotonic() - self._since > ANSWER_DEADLINE_S:
            raise error
        time.sleep(RETRY_S)


def _refusal(asked: str, status: bytes, body: bytes) -> InfrastructureError:
    said = (status + b" " + body[:_QUOTED]).decode("utf-8", "replace")
    kind = Unavailable if b" 503 " in status + b" " else InfrastructureError
    return kind(f"{asked} was answered {said}.")


def named(sent: bytes) -> str:
    """Return the method and the path of a request."""
    return sent.partition(b" HTTP/")[0].decode("ascii")


def body_of(answer: bytes) -> bytes | None:
    """Return the body of a complete answer, None of an incomplete one."""
    end = answer.find(_HEAD_END)
    if end < 0:
        return None
    head = answer[:end].lower()
    at = head.find(_LENGTH)
    if at < 0:
        raise InfrastructureError("An answer has no Content-Length, so its end cannot be seen.")
    length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
    body = answer[end + len(_HEAD_END) :]
    return body if len(body) >= length else None


@dataclass(frozen=True)
class Driven:
    """What a load was answered. Times are in seconds; `own_cpu_s` is what generating it cost this process."""

    wall_s: float
    own_cpu_s: float
    unavailable: int
    """Answers 503, after which the request was sent again."""
    latencies_s: Sequence[float] = field(repr=False)

    @property
    def requests(self) -> int:
        """How many requests were answered."""
        return len(self.latencies_s)

    @property
    def generator_share(self) -> float:
        """How busy the generator's one thread was; near 1 it is the limit, and not the server."""
        return self.own_cpu_s / self.wall_s


def drive(connections: Sequence[Connection], scripts: Sequence[Iterator[bytes]], total: int) -> Driven:
    """Send `total` requests: on each connection the next of its script as soon as the last one is answered.

    A script may be shorter: its connection then rests. Raise as `Connection` does.
    """
    with _Run(connections, scripts, total) as run:
        return run.finish()


class _Run:
    """A load while it is sent."""

    def __init__(
        self, connections: Sequence[Connection], scripts: Sequence[Iterator[bytes]], total: int
    ) -> None:
        self._connections, self._scripts, self._unsent = connections, scripts, total
        self._sent_at: dict[int, float] = {}
        """When the request was first sent that each connection waits for."""
        self._latencies_s: list[float] = []
        self._unavailable = 0
        self._patience = Patience()
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> _Run:
        return self

    def __exit__(self, *exc: object) -> None:
        self._selector.close()

    def finish(self) -> Driven:
        """Send everything, and return when all is answered."""
        began, cpu_began = time.perf_counter(), time.process_time()
        for number, connection in enumerate(self._connections):
            self._send_next(number)
            if number in self._sent_at:
                self._selector.register(connection.socket, selectors.EVENT_READ, number)
        while self._sent_at:
            ready = self._selector.select(ANSWER_DEADLINE_S)
            if not ready:
                raise DeadlineMissed(f"No answer came in {ANSWER_DEADLINE_S:g} s.")
            for key, _ in ready:
                self._receive(key.data)
        wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
        return Driven(wall_s, cpu_s, self._unavailable, self._latencies_s)

    def _send_next(self, number: int) -> None:
        following = next(self._scripts[number], None) if self._unsent else None
        if following is not None:
            self._unsent -= 1
            self._sent_at[number] = time.perf_counter()
            self._connections[number].send(following)

    def _receive(self, number: int) -> None:
        try:
            body = self._connections[number].receive()
        except Unavailable as error:
            self._unavailable += 1
            self._patience.pause(error)
            self._connections[number].send_again()
            return
        if body is not None:
            self._patience.reset()
            self._latencies_s.append(time.perf_counter() - self._sent_at.pop(number))
            self._send_next(number)
