"""Clients that always have a poll waiting, many of them, and how long a message takes to reach one."""

from __future__ import annotations

import json
import resource
import selectors
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks.clients import Address, Connection, Patience, Unavailable, named
from harness.errors import DeadlineMissed, InfrastructureError

Again = Callable[[int, Mapping[str, Any]], bytes]
"""Returns the next poll of a client, by its number and the answer that it has just got."""
DELIVERY_DEADLINE_S = 30.0
_SENDER = -1
_SPARE_FILES = 200
_TURN_S = 0.05


class Waiters:
    """Clients that each hold a poll, and hold the next one as soon as it is answered; and one that sends."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        sender: Connection,
        waiting: Sequence[Connection],
        again: Again,
    ) -> None:
        self._selector = selector
        self._sender = sender
        self._waiting = waiting
        self._again = again
        self._patience = Patience()

    def begin(self, firsts: Sequence[bytes]) -> None:
        """Send the first poll of each."""
        for connection, first in zip(self._waiting, firsts, strict=True):
            connection.send(first)

    def wait(self, seconds: float) -> None:
        """Let time pass, in which answered polls are held again."""
        end = time.monotonic() + seconds
        self._patience.reset()
        while (left := end - time.monotonic()) > 0:
            self._answered(left)

    def delivery_s(self, number: int, waking: bytes) -> float:
        """Send to a client that waits; return the time from the ack to its receipt, 0 if that came first.

        Raise DeadlineMissed.
        """
        deadline = time.monotonic() + DELIVERY_DEADLINE_S
        self._patience.reset()
        self._sender.send(waking)
        if self._sender.socket not in self._selector.get_map():
            self._selector.register(self._sender.socket, selectors.EVENT_READ, _SENDER)
        seen_at: dict[int, float] = {}
        while not {_SENDER, number} <= seen_at.keys():
            if time.monotonic() > deadline:
                raise self._too_late(waking, number if _SENDER in seen_at else _SENDER)
            seen_at |= self._answered(deadline - time.monotonic())
        return max(0.0, seen_at[number] - seen_at[_SENDER])

    def _too_late(self, waking: bytes, number: int) -> DeadlineMissed:
        missing = "acked" if number == _SENDER else f"followed by an answer to {self._waiting[number].asked}"
        return DeadlineMissed(f"{named(waking)} was not {missing} within {DELIVERY_DEADLINE_S:g} s.")

    def _answered(self, timeout_s: float) -> dict[int, float]:
        """Return who was answered, and when; a poll that ended without a message does not count."""
        found: dict[int, float] = {}
        for key, _ in self._selector.select(max(0.0, timeout_s)):
            number, now = key.data, time.perf_counter()
            body = self._received(number)
            if body is None:
                continue
            answer = json.loads(body)
            if number == _SENDER or answer["messages"]:
                found[number] = now
            if number != _SENDER:
                self._waiting[number].send(self._again(number, answer))
        return found

    def _received(self, number: int) -> bytes | None:
        """Return the answer if it is complete; a request that is answered 503 is sent again."""
        connection = self._connection(number)
        try:
            return connection.receive()
        except Unavailable as error:
            self._patience.pause(error)
            connection.send_again()
            return None

    def _connection(self, number: int) -> Connection:
        return self._sender if number == _SENDER else self._waiting[number]


def wait_together(several: Sequence[Waiters], seconds: float) -> float:
    """Let time pass, in which answered polls are held again; return how long it was, in seconds."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        for one in several:
            one.wait(_TURN_S)
    return time.monotonic() - began


@contextmanager
def waiters(address: Address, firsts: Sequence[bytes], again: Again) -> Iterator[Waiters]:
    """Yield clients whose first polls are sent, one for each of `firsts`."""
    _allow_open_files(2 * len(firsts))  # of two servers at a time
    with ExitStack() as stack:
        sender, *waiting = (stack.enter_context(Connection(address)) for _ in range(len(firsts) + 1))
        selector = stack.enter_context(selectors.DefaultSelector())
        for number, connection in enumerate(waiting):
            selector.register(connection.socket, selectors.EVENT_READ, number)
        found = Waiters(selector, sender, waiting, again)
        found.begin(firsts)
        yield found


def _allow_open_files(count: int) -> None:
    """Raise this process's limit of open files, which its servers inherit. Raise InfrastructureError."""
    needed = count + _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise InfrastructureError(f"{count} connections need `ulimit -n {needed}`; the hard limit is {hard}.")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
