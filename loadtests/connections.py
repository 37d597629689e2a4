"""One user's HTTP connections over gevent: a request is made once, and whatever comes of it is an `Answer`.

Clients for gevent send a request again, by themselves, on a connection that its server has just closed: a
message is then stored twice, and the server is not to blame. So requests are written here, and only answers
are read by geventhttpclient's parser.
"""

from __future__ import annotations

import errno
import select
import ssl
import time
from collections import deque
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import gevent
import gevent.monkey
import gevent.socket
import gevent.ssl
from geventhttpclient.response import HTTPConnectionClosed, HTTPSocketPoolResponse
from urllib3 import HTTPHeaderDict

from harness.adapters.bounded_http import LONGEST_BODY_BYTES
from harness.adapters.http import Request
from harness.client import Answer, Body, json_object
from harness.errors import InfrastructureError

WHOLE_ANSWER_WITHIN_S = 5.0
PIECE_BYTES = 65536
_new_poll = gevent.monkey.get_original(
    "select", "poll"
)  # Locust replaces it by one that may switch greenlets
SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM)
"""What this machine lacks when a connection cannot even be tried."""


class NotMade(InfrastructureError):
    """A request did not leave this machine, which has no more ports, files or memory."""


class Server:
    """Where the server is, and how to connect to it. All users of a process share it.

    `keep_alive_s` is how long a connection may be idle and still be used again. `is_checked` says whether the
    server's certificate must be right.
    """

    def __init__(self, url: str, *, keep_alive_s: float, is_checked: bool) -> None:
        parts = urlsplit(url)
        self.url = url
        self.keep_alive_s = keep_alive_s
        self.path = parts.path.rstrip("/")
        self.authority = parts.netloc
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._addresses: list[Any] = []
        self._tls = _tls(parts, is_checked=is_checked)

    def connect(self) -> Any:
        """Return a new connection. Raise OSError."""
        error: OSError | None = None
        for family, kind, protocol, _, address in self._resolved():
            plain = gevent.socket.socket(family, kind, protocol)
            try:
                plain.connect(address)
                plain.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
                return self._tls.wrap_socket(plain, server_hostname=self._host) if self._tls else plain
            except OSError as failed:
                plain.close()
                error = failed
            except BaseException:
                plain.close()
                raise
        raise error or ConnectionError("the name has no address")

    def _resolved(self) -> list[Any]:
        # Once: a name server would else be asked for each connection, in a thread.
        if not self._addresses:
            self._addresses = gevent.socket.getaddrinfo(
                self._host, self._port, 0, gevent.socket.SOCK_STREAM, gevent.socket.IPPROTO_TCP
            )
        return self._addresses


def _tls(parts: SplitResult, *, is_checked: bool) -> Any:
    if parts.scheme != "https":
        return None
    context = gevent.ssl.create_default_context()
    if not is_checked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Connections:
    """The connections of one user: a `Transport` of an adapter. Greenlets may share it."""

    def __init__(self, server: Server, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._clock = clock
        self._idle: deque[tuple[Any, float]] = deque()

    def __call__(self, request: Request) -> Answer:
        """Make a request, once, and return what came back. Raise NotMade."""
        start_ns = time.monotonic_ns()
        late = TimeoutError()
        try:
            with gevent.Timeout(WHOLE_ANSWER_WITHIN_S + request.held_s, late):
                status, raw, headers = self._exchange(request)
        except OSError as error:
            if error.errno in SHORTAGES:
                raise NotMade(f"A request could not be made: {error.strerror}.") from error
            return Answer(None, Body(), _reason(error), start_ns, time.monotonic_ns())
        except HTTPException as error:  # the parser's
            return Answer(None, Body(), _reason(error), start_ns, time.monotonic_ns())
        return _answer(status, raw, headers, start_ns)

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop()[0].close()

    def _exchange(self, request: Request) -> tuple[int, bytes, HTTPHeaderDict]:
        connection = self._take() or self._server.connect()
        lease = _Lease()
        try:
            connection.sendall(self._written(request))
            response = HTTPSocketPoolResponse(connection, cast(Any, lease), method=request.method)
            raw = _read(response)
        except BaseException:
            connection.close()
            raise
        if lease.is_free and response.message_complete:
            self._idle.append((connection, self._clock()))
        else:
            connection.close()
        return response.get_code(), raw, HTTPHeaderDict(response.items())

    def _take(self) -> Any:
        """Return the connection used last, if it can be used again; close those idle for too long."""
        oldest_s = self._clock() - self._server.keep_alive_s
        while self._idle and self._idle[0][1] < oldest_s:
            self._idle.popleft()[0].close()
        while self._idle:
            connection, _ = self._idle.pop()
            if not _is_readable(connection):
                return connection
            connection.close()  # its server has closed it, or sent what no one asked for
        return None

    def _written(self, request: Request) -> bytes:
        lines = [
            f"{request.method} {self._server.path}{request.target} HTTP/1.1",
            f"Host: {self._server.authority}",
            "Accept-Encoding: identity",
            *(f"{name}: {value}" for name, value in request.headers.items()),
        ]
        body = request.body or b""
        if body or request.method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body


class _Lease:
    """What the parser takes for a pool: remembers that the connection may be used again."""

    is_free = False

    def return_socket(self, connection: Any) -> None:
        self.is_free = True

    def release_socket(self, connection: Any) -> None:
        connection.close()


def _read(response: Any) -> bytes:
    raw = bytearray()
    while len(raw) <= LONGEST_BODY_BYTES and (piece := response.read(PIECE_BYTES)):
        raw += piece
    return bytes(raw)


def _answer(status: int, raw: bytes, headers: HTTPHeaderDict, start_ns: int) -> Answer:
    end_ns = time.monotonic_ns()
    if len(raw) > LONGEST_BODY_BYTES:
        too_long = f"the body is longer than {LONGEST_BODY_BYTES} bytes"
        return Answer(status, Body(), too_long, start_ns, end_ns, "", headers)
    body, problem = json_object(raw)
    return Answer(status, body, problem, start_ns, end_ns, raw.decode(errors="replace"), headers)


def _is_readable(connection: Any) -> bool:
    looked = _new_poll()  # gevent's select, as that of the system, refuses descriptors from 1024 on
    looked.register(connection, select.POLLIN)
    return bool(looked.poll(0))


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, HTTPConnectionClosed):
        return "connection lost (closed without an answer)"
    return f"connection lost ({type(error).__name__})"
