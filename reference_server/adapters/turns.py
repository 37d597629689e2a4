"""Taking turns at a mailbox: within one process, one sender at a time.

Without turns, many senders to one mailbox all read the same head, and all but one of them insert in vain:
fifty at once took longer than their time limits, and the timeouts looked like a broken MongoDB.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from reference_server.errors import StoreUnavailable


class _Turn:
    def __init__(self) -> None:
        self.lock = threading.Lock()


class Turns:
    """One lock a mailbox, for as long as somebody holds or awaits it."""

    def __init__(self) -> None:
        self._turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()

    @contextmanager
    def take(self, mailbox: str, timeout_s: float) -> Iterator[None]:
        """Wait for the turn and keep it inside the context. Raises StoreUnavailable after the timeout."""
        turn = self._turns.setdefault(mailbox, _Turn())
        if not turn.lock.acquire(timeout=timeout_s):
            raise StoreUnavailable(f"too many are sending to '{mailbox}' at once")
        try:
            yield
        finally:
            turn.lock.release()
