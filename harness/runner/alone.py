"""Rows side by side, and rows that measure and must have the machine to themselves.

Rows mostly wait, so the machine carries many at once. But a row begins with the start of a server, which
takes the processors for a moment: when several begin together, the answers of all other rows are late.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TextIO

import psutil

from harness.errors import CannotWrite
from harness.history.recorder import REMEDY
from harness.runner.machine import waited_us

ROOM_SHARE = 0.5
"""A row may begin when something waited for a processor or the disk in less than this share of a look."""
LOOK_S = 0.25
LOCKS = ".locks"
"""The folder of the lock files, in that of the results."""
LONGEST_WAIT_S = 10.0
"""A machine that other programs keep busy never has room."""
AT_ONCE_PER_PROCESSOR = 3
"""Rows mostly wait. Half as many where the kernel does not say whether there is room."""
ROW_BYTES = 2**30
"""Memory that a row's services, server and browser take."""


def most_at_once() -> int:
    """Return how many rows to run side by side on this machine, at most."""
    processors = psutil.cpu_count() or 1
    by_processors = (
        processors * AT_ONCE_PER_PROCESSOR if any(waited_us()) else processors * AT_ONCE_PER_PROCESSOR // 2
    )
    return max(1, min(by_processors, psutil.virtual_memory().available // ROW_BYTES))


@contextmanager
def the_machine(folder: Path, *, alone: bool = False, light: bool = False) -> Iterator[None]:
    """Hold the machine together with others, or `alone`; the locks are files in `folder`.

    Rows begin one after the other, each when the others leave room for it; `light` ones need none. Rows that
    wait to be alone keep the gate shut meanwhile; else there might always be another row. Raise CannotWrite.
    """
    with (
        _lock_file(folder, "room") as room,
        _lock_file(folder, "gate") as gate,
        _lock_file(folder, "machine") as machine,
    ):
        if not (alone or light):
            fcntl.flock(room, fcntl.LOCK_EX)
            wait_for_room(lambda: _is_free(machine))
        fcntl.flock(gate, fcntl.LOCK_SH if alone else fcntl.LOCK_EX)
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        fcntl.flock(room, fcntl.LOCK_UN)
        yield


@contextmanager
def one_test_of_the_row(folder: Path, row: str) -> Iterator[None]:
    """Hold a row, of which no other test may run meanwhile: the history tells rows apart, not their tests.

    Raise CannotWrite.
    """
    with _lock_file(folder, f"row-{sha256(row.encode()).hexdigest()[:16]}") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def beside_no_row_alone(folder: Path) -> Iterator[None]:
    """Hold the machine together with others, for what is no row, whether there is room or not.

    Raise CannotWrite.
    """
    with _lock_file(folder, "machine") as machine:
        fcntl.flock(machine, fcntl.LOCK_SH)
        yield


def wait_for_room(
    is_free: Callable[[], bool],
    *,
    waited_us: Callable[[], Sequence[int]] = waited_us,
    now_s: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until the machine has room for one more row, at most some seconds; not at all if it `is_free`."""
    give_up_s = now_s() + LONGEST_WAIT_S
    while not is_free() and now_s() < give_up_s:
        since_s, before_us = now_s(), waited_us()
        sleep(LOOK_S)
        waited_s = max(now - before for now, before in zip(waited_us(), before_us, strict=True)) / 1e6
        if waited_s < ROOM_SHARE * (now_s() - since_s):
            return


def _is_free(machine: TextIO) -> bool:
    """Return whether no row holds the machine."""
    try:
        fcntl.flock(machine, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(machine, fcntl.LOCK_UN)  # held on, at a gate that is shut, it would never be free
    return True


def _lock_file(folder: Path, name: str) -> TextIO:
    path = folder / LOCKS / name
    try:
        path.parent.mkdir(exist_ok=True)
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise CannotWrite(path, error, remedy=REMEDY) from error
