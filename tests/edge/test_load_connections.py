"""The load generator's connections: a request is made once, whatever the server does to the connection."""

from __future__ import annotations

import contextlib
import fcntl
import resource
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from harness.adapters.http import Request
from harness.stack import free_port, wait_until
from loadtests import connections
from loadtests.connections import Connections, NotMade, Server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" + b'{"a":1}'
SEND = Request("POST", "/messages", body=b'{"to_username":"bob"}')
Reply = Callable[[socket.socket], bool]
"""Answers one request; returns whether the connection stays open."""


class Peer:
    """A server that answers each request as it is told, and keeps what it was asked."""

    def __init__(self, reply: Reply, family: socket.AddressFamily = socket.AF_INET) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.closed = 0
        self._reply = reply
        self._listener = socket.create_server(
            ("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family
        )
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                peer, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            while request := peer.recv(65536):
                self.requests.append(request)
                if not self._reply(peer):
                    break
        self.closed += 1


@contextlib.contextmanager
def peer(reply: Reply, **more: socket.AddressFamily) -> Iterator[Peer]:
    made = Peer(reply, **more)
    yield made
    made.close()


def to(
    server: Peer, *, host: str = "127.0.0.1", path: str = "", clock: Callable[[], float] | None = None
) -> Connections:
    known = Server(f"http://{host}:{server.port}{path}", keep_alive_s=1.0, is_checked=False)
    return Connections(known, clock) if clock else Connections(known)


def answers(connection: socket.socket) -> bool:
    connection.sendall(OK)
    return True


def answers_and_closes(connection: socket.socket) -> bool:
    connection.sendall(OK)
    return False


def closes(connection: socket.socket) -> bool:
    return False


def resets(connection: socket.socket) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return False


def cuts_off(connection: socket.socket) -> bool:
    connection.sendall(OK[:-3])
    return False


def speaks_something_else(connection: socket.socket) -> bool:
    connection.sendall(b"220 mail.example ESMTP\r\n")
    return False


@pytest.mark.parametrize("reply", [closes, resets, cuts_off, speaks_something_else])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_request_without_a_whole_answer_is_not_made_again(reply: Reply, method: str) -> None:
    with peer(reply) as server:
        answer = to(server)(Request(method, "/messages", body=b"{}" if method == "POST" else None))
        assert answer.status is None
        assert str(answer.error).startswith("connection lost")
        assert len(server.requests) == 1


def test_a_connection_that_its_server_closed_is_not_used_again() -> None:
    with peer(answers_and_closes) as server:
        client = to(server)
        for number in range(1, 6):
            assert client(SEND).status == 200
            wait_until(lambda: server.closed == number, deadline_s=5, what="the end of the connection")  # noqa: B023
        assert len(server.requests) == 5


def test_a_connection_is_used_again_while_it_was_idle_for_a_short_time() -> None:
    now_s = [0.0]
    with peer(answers) as server:
        client = to(server, clock=lambda: now_s[0])
        client(SEND)
        now_s[0] += 0.9
        client(SEND)
        assert server.connections == 1
        now_s[0] += 1.1
        client(SEND)
        assert server.connections == 2
        client.close()


def test_a_connection_is_used_again_whatever_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process with a thousand users has more open files than `select` can look at."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    connect = Server.connect

    def connect_with_a_high_number(server: Server) -> socket.socket:
        with contextlib.closing(connect(server)) as low:
            return type(low)(fileno=fcntl.fcntl(low, fcntl.F_DUPFD, 2000))

    monkeypatch.setattr(Server, "connect", connect_with_a_high_number)
    try:
        with peer(answers) as server, contextlib.closing(to(server)) as client:
            assert [client(SEND).status for _ in range(2)] == [200, 200]
            assert server.connections == 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_answer_that_comes_byte_by_byte_is_bounded_to_its_last_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "WHOLE_ANSWER_WITHIN_S", 0.3)
    waiting = threading.Event()

    def drips(connection: socket.socket) -> bool:
        for byte in OK:
            connection.sendall(bytes([byte]))
            waiting.wait(0.05)
        return True

    with peer(drips) as server:
        answer = to(server)(SEND)
        waiting.set()
        assert answer.error == "timeout"
        assert 0.29 < answer.seconds < 2


def test_a_port_on_which_nothing_listens_refuses() -> None:
    known = Server(f"http://127.0.0.1:{free_port()}", keep_alive_s=1.0, is_checked=False)
    assert Connections(known)(SEND).error == "connection refused"


def test_what_this_machine_lacks_is_not_the_servers_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more_files(*_: object) -> None:
        raise OSError(24, "Too many open files")

    with peer(answers) as server:
        client = to(server)
        monkeypatch.setattr(connections.gevent.socket, "socket", no_more_files)
        with pytest.raises(NotMade, match="Too many open files"):
            client(SEND)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_an_ipv6_host_and_a_path_in_front_of_all_paths_are_asked_as_they_are() -> None:
    with peer(answers, family=socket.AF_INET6) as server:
        answer = to(server, host="[::1]", path="/chat")(
            Request("GET", "/poll", {"since": "2026 +"}, {"X-Name": "größe"})
        )
        assert answer.body == {"a": 1}
        (request,) = server.requests
        assert request.startswith(b"GET /chat/poll?since=2026%20%2B HTTP/1.1\r\n")
        assert f"Host: [::1]:{server.port}\r\n".encode() in request
        assert "X-Name: größe\r\n".encode() in request
