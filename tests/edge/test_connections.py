"""A client never reuses a connection that its server may just be closing: no request is lost in between."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from harness.adapters import bounded_http
from harness.client import Client

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
"""As http.server and older proxies answer: they do not say that they close the connection behind it."""


class Server:
    """It answers every request, and closes no connection by itself: what is reused, is counted."""

    def __init__(self, listener: socket.socket) -> None:
        self.url = "http://{}:{}".format(*listener.getsockname())
        self.requests: Counter[int] = Counter()
        """How many requests came over each connection."""
        self._listener = listener
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is shut down
            for number in range(1_000_000):
                connection, _ = self._listener.accept()
                self.threads.append(threading.Thread(target=self._serve, args=(connection, number)))
                self.threads[-1].start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, contextlib.suppress(ConnectionError):
            while connection.recv(65_536):
                self.requests[number] += 1
                connection.sendall(OK)


@pytest.fixture
def server() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener)
        yield server
        listener.shutdown(socket.SHUT_RDWR)
    for thread in server.threads:
        thread.join(10)
        assert not thread.is_alive()


def ask(client: Client, **headers: str) -> None:
    assert client.call("GET", "/", headers=headers).status == 200


def test_a_connection_is_reused(server: Server) -> None:
    with contextlib.closing(Client(server.url, "alice", "")) as client:
        ask(client)
        ask(client)
    assert server.requests == {0: 2}


def test_who_asked_the_server_to_close_a_connection_does_not_reuse_it(server: Server) -> None:
    with contextlib.closing(Client(server.url, "alice", "")) as client:
        ask(client, Connection="close")
        ask(client)
        ask(client)
    assert server.requests == {0: 1, 1: 2}


def test_a_connection_that_was_long_idle_is_not_reused(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "REUSED_FOR_S", 0.0)
    with contextlib.closing(Client(server.url, "alice", "")) as client:
        ask(client)
        ask(client)
    assert server.requests == {0: 1, 1: 1}
