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


class Connection:
    """A connection that is kept alive, with one request at a time.

    Raise InfrastructureError for any answer but 200, and for a connection that the server closes.
    """

    def __init__(self, address: Address) -> None:
        self.socket = socket.create_connection(address, timeout=ANSWER_DEADLINE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._asked = b""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        self.socket.close()

    def ask(self, sent: bytes) -> bytes:
        """Send a request, and return the body of its answer."""
        self.send(sent)
        while (body := self.receive()) is None:
            pass
        return body

    def send(self, sent: bytes) -> None:
        """Send a request without waiting for its answer."""
        self._asked = sent
        self.socket.sendall(sent)

    def receive(self) -> bytes | None:
        """Read what has arrived, and return the body of the answer if it is complete."""
        try:
            data = self.socket.recv(262_144)
        except TimeoutError as error:
            raise DeadlineMissed(
                f"{_named(self._asked)} was not answered in {ANSWER_DEADLINE_S:g} s."
            ) from error
        if not data:
            raise InfrastructureError(
                f"The server closed the connection instead of answering {_named(self._asked)}."
            )
        self._received += data
        body = _body_of(self._received)
        if body is None:
            return None
        if not self._received.startswith(OK):
            said = self._received.partition(b"\r\n")[0] + b" " + body[:_QUOTED]
            raise InfrastructureError(
                f"{_named(self._asked)} was answered {said.decode('utf-8', 'replace')}."
            )
        self._received = b""
        return body


def _named(sent: bytes) -> str:
    return sent.partition(b" HTTP/")[0].decode("ascii")


def _body_of(answer: bytes) -> bytes | None:
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

    requests: int
    wall_s: float
    own_cpu_s: float
    latencies_s: Sequence[float] = field(repr=False)
    bodies: Sequence[bytes] = field(repr=False)
    """The last answer on each connection."""

    @property
    def generator_share(self) -> float:
        """How busy the generator's one thread was; near 1 it is the limit, and not the server."""
        return self.own_cpu_s / self.wall_s


def drive(connections: Sequence[Connection], scripts: Sequence[Iterator[bytes]], total: int) -> Driven:
    """Send `total` requests: on each connection the next of its script as soon as the last one is answered.

    A script may be shorter: its connection then rests. Raise InfrastructureError as `Connection` does.
    """
    latencies, bodies = [], [b""] * len(connections)
    sent_at = [0.0] * len(connections)
    unsent, pending = total, 0
    began, cpu_began = time.perf_counter(), time.process_time()
    with selectors.DefaultSelector() as selector:
        for number, connection in enumerate(connections):
            selector.register(connection.socket, selectors.EVENT_READ, number)

        def send_next(number: int) -> bool:
            following = next(scripts[number], None) if unsent else None
            if following is not None:
                sent_at[number] = time.perf_counter()
                connections[number].send(following)
            return following is not None

        for number in range(len(connections)):
            if send_next(number):
                unsent, pending = unsent - 1, pending + 1
        while pending:
            ready = selector.select(ANSWER_DEADLINE_S)
            if not ready:
                raise DeadlineMissed(f"No request of {pending} was answered in {ANSWER_DEADLINE_S:g} s.")
            for key, _ in ready:
                number = key.data
                body = connections[number].receive()
                if body is None:
                    continue
                latencies.append(time.perf_counter() - sent_at[number])
                bodies[number], pending = body, pending - 1
                if send_next(number):
                    unsent, pending = unsent - 1, pending + 1
    return Driven(
        len(latencies), time.perf_counter() - began, time.process_time() - cpu_began, latencies, bodies
    )
