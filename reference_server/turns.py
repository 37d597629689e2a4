"""Turns at a mailbox, or at a store: within one process, all who wait for their turn are served together.

Without turns, many senders to one mailbox all take the same place, and all but one of them insert in vain:
fifty at once took longer than their time limits, and the timeouts looked like a broken MongoDB.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

MOST = 64
"""Items in one batch. The others wait for the next one."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class TooLate(Exception):
    """The turn did not come in time. Nothing was done for the item."""


class _Place(Generic[Item, Result]):
    """A place in the queue of a mailbox. `called` is set when it was served, and when it shall serve."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.called = threading.Event()
        self.outcome: Result | BaseException | None = None


class Turns(Generic[Item, Result]):
    """One batch per mailbox at a time, first come, first served.

    `serve` takes a mailbox and the items of a batch. It returns for each item its result, or the exception to
    raise; one that it raises itself is everyone's in the batch. One of `everyones` is raised for all
    who wait, too: they would only take as long to fail. The thread that is next calls it for all that wait.
    First it lets others run that are ready to: some of them may be about to wait.
    """

    def __init__(
        self,
        serve: Callable[[str, Sequence[Item]], Sequence[Result | BaseException]],
        *,
        everyones: tuple[type[Exception], ...] = (),
    ) -> None:
        self._serve = serve
        self._everyones = everyones
        self._guard = threading.Lock()
        self._waiting: dict[str, deque[_Place[Item, Result]]] = {}
        """For each mailbox at which a batch is being served."""

    def take(self, mailbox: str, item: Item, timeout_s: float | None) -> Result:
        """Return the item's result, or raise its exception. Raise TooLate if its turn comes too late.

        Without a limit its turn is never too late.
        """
        place = _Place[Item, Result](item)
        if not self._is_first(mailbox, place):
            self._wait(mailbox, place, timeout_s)
        if place.outcome is None:
            self._serve_with(mailbox, place)
        if isinstance(place.outcome, BaseException):
            raise place.outcome
        assert place.outcome is not None, "`serve` returns a result or an exception for each item"
        return place.outcome

    def _is_first(self, mailbox: str, place: _Place[Item, Result]) -> bool:
        with self._guard:
            if mailbox not in self._waiting:
                self._waiting[mailbox] = deque()
                return True
            self._waiting[mailbox].append(place)
            return False

    def _wait(self, mailbox: str, place: _Place[Item, Result], timeout_s: float | None) -> None:
        """Wait to be called. Who is part of a batch already waits for its outcome, however long it takes."""
        if place.called.wait(timeout_s):
            return
        with self._guard:
            if place in self._waiting.get(mailbox, ()):
                self._waiting[mailbox].remove(place)
                raise TooLate
        place.called.wait()

    def _serve_with(self, mailbox: str, first: _Place[Item, Result]) -> None:
        """Serve the first place and those that wait behind it; then call them, and the next one to serve."""
        time.sleep(0)
        batch = [first, *self._joining(mailbox, MOST - 1)]
        outcomes: Sequence[Result | BaseException]
        try:
            outcomes = self._serve(mailbox, [place.item for place in batch])
        except BaseException as error:  # noqa: BLE001 - even if this thread is ending, it must call the others
            if isinstance(error, self._everyones):
                batch += self._joining(mailbox)
            outcomes = [error] * len(batch)
        for place, outcome in zip(batch, outcomes, strict=True):
            place.outcome = outcome
            place.called.set()
        self._call_next(mailbox)

    def _joining(self, mailbox: str, most: int | None = None) -> list[_Place[Item, Result]]:
        with self._guard:
            waiting = self._waiting[mailbox]
            count = len(waiting) if most is None else min(len(waiting), most)
            return [waiting.popleft() for _ in range(count)]

    def _call_next(self, mailbox: str) -> None:
        with self._guard:
            if waiting := self._waiting[mailbox]:
                waiting.popleft().called.set()
            else:
                del self._waiting[mailbox]
