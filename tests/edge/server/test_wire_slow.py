"""Clients that are slow, silent or many: they wait for themselves, and nobody else does."""

from __future__ import annotations

import contextlib
import json
import statistics
from collections.abc import Callable, Iterator

import pytest

from tests.edge.server.process import BOUND_S, Chat
from tests.edge.server.wire import CHUNKED, JSON, SEND, Wire, chunked, problem, request

Stored = Callable[[], list[str]]


@contextlib.contextmanager
def wires(chat: Chat, count: int) -> Iterator[list[Wire]]:
    """So many connections, of which with some luck each worker has some."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Wire(chat.base_url)) for _ in range(count)]


class Others:
    """Whoever uses the server meanwhile, each time on a new connection: it may fall to either worker."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._seconds: list[float] = []

    def ask(self) -> None:
        self._chat.bob.close()
        answer = self._chat.poll(limit="1")
        assert answer.status == 200
        self._seconds.append(answer.seconds)

    def check(self) -> None:
        """Not the slowest answer: on a busy machine one in twenty may be late, by no fault of the server."""
        assert len(self._seconds) >= 20
        assert statistics.median(self._seconds) < BOUND_S


def sends(chat: Chat) -> list[bytes]:
    """A send with its length declared, and one in chunks."""
    token = f"Authorization: Bearer {chat.alice.token}"
    body = json.dumps({"to_username": chat.bob.username, "content": "slow"}).encode()
    return [request(SEND, token, JSON, body=body), request(SEND, token, JSON, CHUNKED) + chunked(body)]


@pytest.fixture(scope="module", autouse=True)
def unfinished(chat: Chat) -> Iterator[list[Wire]]:
    """Begun before the other tests, which take a part of the time that it takes to be given up."""
    send, in_chunks = sends(chat)
    with wires(chat, 4) as connections:
        for wire, part in zip(connections, (b"", send[:50], send[:-1], in_chunks[:-2]), strict=True):
            wire.send(part)
        yield connections


def test_requests_that_come_byte_by_byte_keep_nobody_waiting(chat: Chat, stored: Stored) -> None:
    others = Others(chat)
    slow = [*sends(chat), *sends(chat)]
    with wires(chat, len(slow)) as connections:
        for place in range(max(map(len, slow))):
            for wire, data in zip(connections, slow, strict=True):
                wire.send(data[place : place + 1])
            if place % 10 == 0:
                others.ask()
        assert [wire.reply().status for wire in connections] == [200] * len(slow)
    others.check()
    assert stored() == ["slow"] * len(slow)


def test_hundreds_of_connections_that_say_nothing_or_half_of_it_keep_nobody_out(chat: Chat) -> None:
    others = Others(chat)
    send = sends(chat)[0]
    with wires(chat, 400) as connections:
        for number, wire in enumerate(connections):
            wire.send(send[: (0, 1, 50, len(send) - 1)[number % 4]])
        for _ in range(30):
            others.ask()
    others.check()


def test_whoever_does_not_read_the_answers_keeps_nobody_waiting(chat: Chat) -> None:
    """More than the buffers on both sides take, so that the server is stuck with the rest."""
    others = Others(chat)
    with wires(chat, 2) as connections:
        for wire in connections:
            wire.send(request("GET /openapi.json") * 1000)
        for _ in range(30):
            others.ask()
    others.check()


@pytest.mark.timeout(120)
def test_a_request_that_never_ends_is_given_up_in_the_end(
    chat: Chat, stored: Stored, unfinished: list[Wire]
) -> None:
    """A body is told so; of a head nobody knows whether it wants an answer."""
    silent, half_a_head, half_a_body, half_its_chunks = unfinished
    for wire in (half_a_body, half_its_chunks):
        problem(wire.reply(), 408, "request_timeout")
    for wire in (silent, half_a_head, half_a_body, half_its_chunks):
        assert wire.is_closed()
    assert stored() == []
