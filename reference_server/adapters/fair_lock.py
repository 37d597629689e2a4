"""A fair lock per mailbox: within one process, one sender at a time, first come, first served.

Without it, many senders to one mailbox all read the same head, and all but one of them insert in vain:
fifty at once took longer than their time limits, and the timeouts looked like a broken MongoDB. A
threading.Lock is not fair: the thread that releases it may take it again before those that wait, and some of
them starved.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from reference_server.errors import StoreUnavailable


class _FairLock:
    """A lock that its holder hands to the thread that has waited longest."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_held = False
        self._waiting: deque[threading.Event] = deque()

    def acquire(self, timeout_s: float) -> bool:
        """Wait for the lock; return False if it was not free in time."""
        with self._guard:
            if not self._is_held:
                self._is_held = True
                return True
            granted = threading.Event()
            self._waiting.append(granted)
        if granted.wait(timeout_s):
            return True
        with self._guard:
            if granted.is_set():  # handed over between the timeout and here
                return True
            self._waiting.remove(granted)
            return False

    def release(self) -> None:
        """Hand the lock over."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_held = False


class FairLocks:
    """One lock per mailbox, which exists while a sender holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, _FairLock] = WeakValueDictionary()

    @contextmanager
    def hold(self, mailbox: str, timeout_s: float) -> Iterator[None]:
        """Hold the mailbox's lock inside the context. Raise StoreUnavailable if it is not free in time."""
        lock = self._locks.setdefault(mailbox, _FairLock())
        if not lock.acquire(timeout_s):
            raise StoreUnavailable(f"too many are sending to '{mailbox}' at once")
        try:
            yield
        finally:
            lock.release()
