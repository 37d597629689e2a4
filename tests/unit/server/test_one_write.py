"""An answer is one write: its head waits for its body, and for nothing else."""

from __future__ import annotations

import pytest

from reference_server.process.one_write import OneWrite

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


class Socket:
    """Notes what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.sent.append(data)

    def gettimeout(self) -> float:
        return 7.0


@pytest.fixture
def client() -> Socket:
    return Socket()


@pytest.fixture
def connection(client: Socket) -> OneWrite:
    return OneWrite(client)  # type: ignore[arg-type]  # it needs no more of a socket


@pytest.mark.parametrize("head", [HEAD, HEAD.replace(b"1.1", b"1.0")])
def test_head_and_body_are_sent_together(client: Socket, connection: OneWrite, head: bytes) -> None:
    connection.sendall(head)
    assert client.sent == []
    connection.sendall(b"{}")
    connection.flush()
    assert client.sent == [head + b"{}"]


def test_what_follows_is_sent_at_once(client: Socket, connection: OneWrite) -> None:
    """Even if it looks like a head."""
    connection.sendall(HEAD)
    connection.sendall(HEAD)
    connection.sendall(b"2\r\n{}\r\n")
    assert client.sent == [HEAD + HEAD, b"2\r\n{}\r\n"]


def test_a_head_without_a_body_is_sent_in_the_end(client: Socket, connection: OneWrite) -> None:
    connection.flush()
    connection.sendall(HEAD)
    connection.flush()
    connection.flush()
    assert client.sent == [HEAD]


def test_continue_does_not_wait(client: Socket, connection: OneWrite) -> None:
    """The client sends no body before it."""
    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert client.sent == [b"HTTP/1.1 100 Continue\r\n\r\n"]


def test_everything_else_is_the_sockets(connection: OneWrite) -> None:
    assert connection.gettimeout() == 7.0
