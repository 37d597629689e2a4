"""Waiting for things: predicates with deadlines, and ports that are free."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from harness.errors import DeadlineMissed, UsageError
from harness.interrupts import INTERRUPTS

T = TypeVar("T")

FIRST_PAUSE_S = 0.005
LONGEST_PAUSE_S = 0.1

# Below every usual range of ephemeral ports (Linux from 32768, macOS from 49152). A port out of that range
# could be taken by any outgoing connection while a fault holds it closed, and a client that connects again
# and again to a closed port of that range can even connect to itself.
PORTS = range(20_000, 32_000)

_handed_out: set[int] = set()
_lock = threading.Lock()


def wait_until(
    predicate: Callable[[], T],
    *,
    deadline_s: float,
    what: str,
    retry_on: tuple[type[Exception], ...] = (OSError,),
) -> T:
    """Call `predicate` with short pauses until it returns something true, and return that.

    An exception of `retry_on` counts as "not yet"; any other one ends the wait. Raise DeadlineMissed, naming
    `what` and the last exception, after `deadline_s` seconds; the predicate is called at least once.
    """
    end = time.monotonic() + deadline_s
    pause = FIRST_PAUSE_S
    while True:
        last: Exception | None = None
        try:
            if value := predicate():
                return value
        except retry_on as error:
            last = error
        INTERRUPTS.end_waiting()
        if time.monotonic() + pause > end:
            reason = f" (last: {type(last).__name__}: {last})" if last is not None else ""
            raise DeadlineMissed(f"Waited {deadline_s:g} s without success for {what}{reason}.") from last
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


def free_port() -> int:
    """Return a port of 127.0.0.1 on which no program listens; this process returns it only once.

    Another process can still take it before its user listens there; see `ServerProcess.wait_until_ready`.
    Ports are random so that parallel runs seldom meet; they do not depend on the seed.
    """
    with _lock:
        for port in random.SystemRandom().sample(PORTS, 200):
            if port not in _handed_out and port_is_free(port):
                _handed_out.add(port)
                return port
    raise UsageError(f"There is no free port between {PORTS.start} and {PORTS.stop - 1} on 127.0.0.1.")


def port_is_free(port: int) -> bool:
    """Return whether a program could listen on this port of 127.0.0.1 now."""
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
