"""Threads that send or poll until they are stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from harness.interrupts import INTERRUPTS

LONGEST_ROUND_S = 20.0
"""Longer than the time-out of any single request, and than all tries of a client that retries."""


class Worker(threading.Thread):
    """A thread whose exception is raised by `finish`."""

    def __init__(self, work: Callable[[], None], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the work."""
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  handed to finish(), which raises it
            self._error = error

    def finish(self, within_s: float) -> None:
        """Wait for the end of the work. Raise what it raised, or TimeoutError after `within_s`."""
        if self.ident is None:
            return  # it was never started
        self.join(within_s)
        if self.is_alive():
            raise TimeoutError(f"the thread of {self.name} did not end within {within_s} s")
        if self._error is not None:
            raise self._error


class Stoppable(Protocol):
    """What works in a thread and can be stopped."""

    def ask_to_stop(self) -> None:
        """Let the request under way be the last one."""

    def stop(self) -> None:
        """Ask, and wait for the end. Raise what the thread raised."""


def stop_all(workers: Iterable[Stoppable]) -> None:
    """Stop them all at the same time, not one after the other. Raise what a thread raised.

    In an interrupted run nothing is waited for: the server is about to end, and their requests with it.
    """
    known = list(workers)
    for worker in known:
        worker.ask_to_stop()
    if INTERRUPTS.has_begun:
        return
    for worker in known:
        worker.stop()
