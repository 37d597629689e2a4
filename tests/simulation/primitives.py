"""What the server's modules see instead of `threading`, `time`, `secrets` and `random`."""

from __future__ import annotations

import functools
import gc
import random
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from reference_server.adapters import redis_notifier, redis_queue
from tests.simulation.hub import GO, Event, Hub

_ROOMS = ("reference_server.", "tests.mutants.")


class Running:
    """The hub of the execution that is running: one at a time."""

    hub: Hub


class Lock:
    """A lock of the simulated threads, or a semaphore with more than one place."""

    def __init__(self, places: int = 1) -> None:
        self._free = places

    def __enter__(self) -> bool:
        while not self._free:
            Running.hub.actor.wait(None, 0.001)
        self._free -= 1
        return True

    def __exit__(self, *error: object) -> None:
        self._free += 1


class Thread:
    """A thread: an actor in the process of the one that starts it."""

    def __init__(self, target: Callable[[], object], name: str = "thread", daemon: bool = True) -> None:
        self._target, self._name = target, name

    def start(self) -> None:
        hub = Running.hub
        process: Any = hub.actor.process
        actor = hub.spawn(f"{self._name} of {process.name}", self._target, process)
        actor.is_background = True


def _sleep(seconds: float) -> None:
    Running.hub.actor.wait(None, seconds)


def _number() -> int:
    actor = Running.hub.actor
    actor.count += 1
    return actor.count


def _draw(values: Sequence[Any]) -> Any:
    """Return any of them: which one is a choice of the execution."""
    distinct = list(dict.fromkeys(values))
    hows = (GO, *(f"draws {value}" for value in distinct[1:]))
    return distinct[hows.index(Running.hub.actor.pause(hows))]


INSTEAD = {
    threading: SimpleNamespace(
        Event=lambda: Event(Running.hub),
        Lock=Lock,
        RLock=Lock,
        BoundedSemaphore=Lock,
        Thread=Thread,
        get_ident=lambda: id(Running.hub.actor),
    ),
    time: SimpleNamespace(
        monotonic=lambda: Running.hub.now_s,
        time_ns=lambda: Running.hub.wall_us * 1000,
        time=lambda: Running.hub.wall_us / 1e6,
        sleep=_sleep,
    ),
    secrets: SimpleNamespace(
        token_hex=lambda size=8: f"{Running.hub.actor.name.replace(' ', '_')}-{_number()}",
        randbits=lambda bits: Running.hub.actor.number << 20 | _number(),
    ),
    random: SimpleNamespace(
        sample=lambda found, count: list(found)[:count],
        choice=_draw,
        uniform=lambda low, high: high,
    ),
}


@contextmanager
def simulated() -> Iterator[None]:
    """Let all modules of the server, and those of the mutants, see the simulated ones."""
    seen = []
    for name, module in list(sys.modules.items()):
        if name.startswith(_ROOMS):
            seen += [(module, of, real) for real in INSTEAD if vars(module).get(of := real.__name__) is real]
    unread, script = redis_notifier._unread, redis_queue.script
    for module, of, real in seen:
        setattr(module, of, INSTEAD[real])
    redis_notifier._unread = lambda sock: lambda: False  # what was published need not have arrived
    redis_queue.script = functools.cache(script)  # its files do not change
    gc.disable()  # see searching.COLLECT_EVERY
    try:
        yield
    finally:
        gc.enable()
        redis_notifier._unread, redis_queue.script = unread, script
        for module, of, real in seen:
            setattr(module, of, real)
