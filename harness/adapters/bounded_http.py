"""HTTP whose time-outs are for the whole answer, and whose answers have a longest length.

urllib3's read time-out is for each read of a socket: a server that sends one byte a second outlasts it.
And urllib3 reuses a connection that its server may just be closing; then the request is lost, and the server
is not to blame (RFC 9112, 9.3.1 and 9.6).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection

LONGEST_BODY_BYTES = 16 * 2**20
"""Far more than the largest page of the longest legal messages."""
REUSED_FOR_S = 1.0
"""How long a connection may be idle and still be reused: servers close idle ones after 2 s or more."""


class _Socket(socket.socket):
    """A socket whose time-out starts when it is set, and is for all reads together."""

    clock: Callable[[], float] = staticmethod(time.monotonic)
    _until_s: float | None = None

    def settimeout(self, value: float | None) -> None:
        super().settimeout(value)
        self._until_s = None if value is None else self.clock() + value

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        if self._until_s is None:
            return super().recv_into(*arguments, **options)
        whole_s, left_s = self.gettimeout(), self._until_s - self.clock()
        if left_s <= 0:
            raise TimeoutError("timed out")
        super().settimeout(left_s)
        try:
            return super().recv_into(*arguments, **options)
        finally:
            super().settimeout(whole_s)  # what the next request over this connection is sent with


class _Connection(HTTPConnection):
    is_last = False
    """The request asked the server to close the connection, which it may do without an answer to that."""
    idle_since_s = 0.0

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        self.is_last = (headers or {}).get("Connection") == "close"
        super().request(method, url, body, headers, **options)

    def _new_conn(self) -> socket.socket:
        plain = super()._new_conn()
        bounded = _Socket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        bounded.settimeout(self.timeout)
        return bounded


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)
        if isinstance(connection, _Connection) and time.monotonic() - connection.idle_since_s > REUSED_FOR_S:
            connection.close()  # it is opened again by its next request
        return connection

    def _put_conn(self, conn: Any) -> None:
        if isinstance(conn, _Connection):
            conn.idle_since_s = time.monotonic()
            if conn.is_last:
                conn.close()
        super()._put_conn(conn)


def new_pool(**options: Any) -> urllib3.PoolManager:
    """Return a pool of connections that neither retry nor follow redirects."""
    pool = urllib3.PoolManager(retries=False, **options)
    pool.pool_classes_by_scheme = {**pool.pool_classes_by_scheme, "http": _Pool}
    return pool


def read_body(response: urllib3.BaseHTTPResponse) -> bytes | None:
    """Return the body of a response to a request with `preload_content=False`; None if it is too long.

    Raise urllib3's HTTPError as the request does.
    """
    body = response.read(LONGEST_BODY_BYTES + 1)
    if len(body) > LONGEST_BODY_BYTES:
        response.close()
        return None
    response.release_conn()
    return body
